import { Anchor, Box, Button, Container, Group, Menu, Stack, Text, Title } from "@mantine/core";
import { IconCheck, IconCurrentLocation, IconUser } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { type Language, language, languages, t } from "../i18n";
import { chooseLanguage } from "../preferences/preferences";
import { useSheets } from "../screens/palette/sheets";
import { useTour } from "../screens/tour/way";
import { useSession, useUser } from "../session";
import classes from "../styles/page.module.css";
import { leaving } from "./leave";

/** No link: it would leave a place in the browser's history that the router does not know. */
function skip(): void {
  document.getElementById("content")?.focus();
}

/** A page of the desk: thin header, then the content. */
export function Page({ children, trail }: { children: ReactNode; trail?: ReactNode }) {
  return (
    <Box className={classes.page}>
      <button type="button" className={classes.skip} onClick={skip}>
        {t("app.skip")}
      </button>
      <header className={classes.header}>
        <Group gap="sm" wrap="nowrap" miw={0}>
          <Link to="/" className={classes.brand}>
            <IconCurrentLocation size={18} stroke={1.75} aria-hidden />
            {t("app.name")}
          </Link>
          {trail}
        </Group>
        <Account />
      </header>
      <Container
        className={classes.content}
        size={1240}
        w="100%"
        px="md"
        py="lg"
        component="main"
        id="content"
        tabIndex={-1}
      >
        {children}
      </Container>
    </Box>
  );
}

/** In another language the page loads anew. */
function chooseTongue(code: Language): void {
  if (code === language) chooseLanguage(code);
  else leaving(() => chooseLanguage(code));
}

function Account() {
  const user = useUser();
  const { logOut } = useSession();
  const [open, sheets] = useSheets("desk");
  const tour = useTour();
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button
            variant="subtle"
            size="compact-sm"
            leftSection={<IconUser size={15} />}
            aria-label={t("app.account", { name: user.name || user.username })}
          >
            {user.name || user.username}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t("app.language")}</Menu.Label>
          {languages.map(({ code, name }) => (
            <Menu.Item
              key={code}
              lang={code}
              aria-current={code === language}
              rightSection={code === language ? <IconCheck size={14} aria-hidden /> : null}
              onClick={() => chooseTongue(code)}
            >
              {name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={() => open("palette")}>{t("action.palette")}</Menu.Item>
          <Menu.Item onClick={() => open("help")}>{t("action.help")}</Menu.Item>
          <Menu.Item onClick={tour}>{t("action.tour")}</Menu.Item>
          <Menu.Item onClick={() => open("preferences")}>{t("action.preferences")}</Menu.Item>
          <Menu.Item onClick={() => void logOut()}>{t("app.signOut")}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {sheets}
    </>
  );
}

/** An empty place teaches: what will be here, and the one act that starts it. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <Stack align="center" gap={6} py={48} px="md">
      <Title order={2}>{title}</Title>
      {children ? (
        <Text c="dimmed" ta="center" maw={420}>
          {children}
        </Text>
      ) : null}
      {action ? <Box mt="xs">{action}</Box> : null}
    </Stack>
  );
}

export function NotFound() {
  return <Empty title={t("app.notFound")} action={<Anchor href="/">{t("app.goHome")}</Anchor>} />;
}
