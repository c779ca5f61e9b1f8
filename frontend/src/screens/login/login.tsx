import { Button, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconCurrentLocation } from "@tabler/icons-react";
import { type FormEvent, useRef, useState } from "react";
import { ApiError } from "../../api/errors";
import { errorText } from "../../components/errors";
import { language, languages, t } from "../../i18n";
import { chooseLanguage } from "../../preferences/preferences";
import { useSession } from "../../session";

export function Login() {
  return (
    // From the top, so that nothing moves when an error comes.
    <Stack align="center" mih="100%" px="md" pt="max(24px, 20vh)" pb="md" component="main">
      <Paper p="xl" w={360} maw="100%">
        <Stack gap="xs" mb="lg">
          <IconCurrentLocation size={30} stroke={1.5} color="var(--reticle-accent)" aria-hidden />
          <Title order={1}>{t("app.name")}</Title>
          <Text c="dimmed">{t("login.lead")}</Text>
        </Stack>
        <LoginForm />
        <LanguageSwitch />
      </Paper>
    </Stack>
  );
}

/** Quiet, after the form: most people never need it, and who does must find it before logging in. */
function LanguageSwitch() {
  return (
    <Group role="group" justify="center" gap="xs" mt="md" aria-label={t("app.language")}>
      {languages.map(({ code, name }) => (
        <Button
          key={code}
          lang={code}
          variant={code === language ? "default" : "subtle"}
          size="xs"
          color="gray"
          aria-current={code === language}
          onClick={() => chooseLanguage(code)}
        >
          {name}
        </Button>
      ))}
    </Group>
  );
}

/** User name and password; used on the log-in page and in place when a session ended. */
export function LoginForm({ username: known = "" }: { username?: string }) {
  const { logIn } = useSession();
  const [username, setUsername] = useState(known);
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [wrong, setWrong] = useState(false);
  const secret = useRef<HTMLInputElement>(null);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await logIn(username, password);
    } catch (failed) {
      setError(loginError(failed));
      setWrong(failed instanceof ApiError && failed.code === "bad_credentials");
      setBusy(false);
      secret.current?.select();
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="sm">
        <TextInput
          label={t("login.username")}
          autoComplete="username"
          value={username}
          onChange={(event) => setUsername(event.currentTarget.value)}
          autoFocus={!known}
          error={wrong}
          required
          withAsterisk={false}
        />
        <PasswordInput
          ref={secret}
          label={t("login.password")}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoFocus={known !== ""}
          {...(known ? { "data-autofocus": true } : {})}
          error={wrong}
          required
          withAsterisk={false}
        />
        <Button type="submit" loading={busy} fullWidth mt="xs">
          {t("login.submit")}
        </Button>
        <Text c="var(--reticle-danger)" size="sm" role="alert">
          {error}
        </Text>
      </Stack>
    </form>
  );
}

function loginError(error: unknown): string {
  if (error instanceof ApiError && error.status === 429) return t("login.many");
  return errorText(error);
}
