import { ActionIcon, Button, Group, Switch, Textarea } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconAlertTriangle, IconCurrentLocation } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { firstKey, spokenKey } from "../../actions/keys";
import { act, type SheetId } from "../../actions/rooms";
import { body, client, type Schemas } from "../../api/client";
import { ApiError } from "../../api/errors";
import { campaignQuery, reviewsQuery } from "../../api/queries";
import { Arriving } from "../../components/arriving";
import { Letters, ScaleBar } from "../../components/corners";
import { ErrorNote, errorText } from "../../components/errors";
import { leaving, useLeave } from "../../components/leave";
import { Empty } from "../../components/page";
import { isNone } from "../../domain/findings";
import { aspectOf } from "../../domain/geometry";
import { dateTime, decimal, duration, label, language, number, t, tn } from "../../i18n";
import { usePreference } from "../../preferences/hooks";
import classes from "../../styles/workstation.module.css";
import { nextLook } from "../../viewer/palette";
import { Looking, loadShown } from "../../work/looking";
import { restServer } from "../../work/server";
import { type Open, type PageAct, useSheets } from "../palette/sheets";
import { usePick } from "../workstation/hooks";
import { ImageAndLabels } from "../workstation/labels";
import { Others } from "./others";

type Item = Schemas["ReviewItem"];
type Verdict = Schemas["VerdictEnum"];

/** One submitted case after the other, read-only: accept it, or return it with a comment. */
export function ReviewPage() {
  const { slug = "" } = useParams();
  const [search] = useSearchParams();
  const campaign = useQuery({ ...campaignQuery(slug), refetchInterval: 10_000 });
  const { queue, item, gone, moveOn, passOver } = useAtHand(slug, Number(search.get("annotation")));
  useDocumentTitle(t("app.title", { page: t("review.queue") }));
  const hand = usePreference("hand");
  usePreference("keys");
  const [look] = useState(() => new Looking());
  const verdicts = useRef<readonly PageAct[]>([]);
  const others = useRef<readonly PageAct[]>([]);
  const own = useCallback(
    () => [...verdicts.current, ...others.current, ...lookActs(look)],
    [look],
  );
  const [open, sheets] = useSheets("review", own);
  useEffect(() => {
    if (campaign.data) look.setClasses(campaign.data.classes);
  }, [look, campaign.data]);

  return (
    <div className={classes.room} data-panel="true" data-rail="false" data-hand={hand}>
      <header className={classes.top}>
        <Link
          to="/"
          className={classes.brand}
          aria-label={t("home.act", { act: t("app.name"), name: t("app.home") })}
        >
          <IconCurrentLocation size={16} stroke={1.75} aria-hidden />
          <span className={classes.wide}>{t("app.name")}</span>
        </Link>
        <Link to={`/campaigns/${slug}`} className={classes.where}>
          {campaign.data?.name ?? slug}
        </Link>
        <h1 className={classes.case}>
          {item
            ? t("review.by", {
                case: item.task.case,
                reader: item.reader,
                time: duration(item.seconds),
              })
            : t("review.queue")}
        </h1>
        <span className={classes.spread} />
        <span className={classes.dim}>
          {campaign.data ? tn("review.left", campaign.data.mine.to_review) : null}
        </span>
        {SHEETS.map((id) => (
          <SheetButton key={id} id={id} onOpen={open} />
        ))}
      </header>
      <main className={classes.middle}>
        <ErrorNote error={queue.error} />
        {item ? (
          <Image key={item.annotation} item={item} look={look} onNext={passOver} />
        ) : (
          <div className={classes.stage}>
            {queue.isPending || campaign.isPending ? (
              <Arriving text={t("review.fetching")} />
            ) : (
              <Nothing slug={slug} asked={campaign.data?.settings.review !== "none"} />
            )}
          </div>
        )}
      </main>
      <aside className={classes.panel} aria-label={t("work.panel")}>
        {item ? (
          <Decision
            key={item.annotation}
            item={item}
            slug={slug}
            look={look}
            verdicts={verdicts}
            gone={gone}
            onDone={moveOn}
          />
        ) : null}
        {item ? <Unseen list={campaign.data?.classes ?? []} item={item} /> : null}
        {item ? <Answers questions={campaign.data?.questions ?? []} item={item} /> : null}
        {item ? (
          <Others key={`others-${item.annotation}`} item={item} look={look} acts={others} />
        ) : null}
        {item ? (
          <>
            <Layers
              look={look}
              list={campaign.data?.classes ?? []}
              withSuggestion={item.suggestion != null}
            />
            <ClassLegend list={campaign.data?.classes ?? []} unseen={item.unseen} />
          </>
        ) : null}
      </aside>
      {sheets}
    </div>
  );
}

/** No case waits: whether any ever will, and the way back. */
function Nothing({ slug, asked }: { slug: string; asked: boolean }) {
  const back = (
    <Button component={Link} to={`/campaigns/${slug}`} variant="default">
      {t("work.toCampaign")}
    </Button>
  );
  return (
    <div className={classes.without} role="status">
      <Empty title={t(asked ? "review.done" : "review.unasked")} action={back}>
        {t(asked ? "review.doneHelp" : "review.unaskedHelp")}
      </Empty>
    </div>
  );
}

/** The case at hand: kept until the reviewer moves on, whatever becomes of it in the queue. */
function useAtHand(slug: string, asked: number) {
  const queue = useQuery(reviewsQuery(slug));
  const [held, setHeld] = useState<Item | null>(null);
  const [passed, setPassed] = useState<readonly number[]>([]);
  // Those passed over come last, in the order in which they were.
  const place = ({ annotation }: Item) => passed.indexOf(annotation);
  const items = [...(queue.data ?? [])].sort((a, b) => place(a) - place(b));
  const wanted = items.find((each) => each.annotation === asked && place(each) < 0);
  const item = held ?? wanted ?? items[0] ?? null;
  if (item !== held) setHeld(item);
  const gone = item !== null && items.every((each) => each.annotation !== item.annotation);
  // How many are left is counted elsewhere, and not at the same time.
  const queries = useQueryClient();
  useEffect(() => {
    const { queryKey } = campaignQuery(slug);
    if (gone) void queries.invalidateQueries({ queryKey, exact: true });
  }, [gone, queries, slug]);
  const moveOn = () => setHeld(null);
  const passOver = () => {
    if (item) setPassed([...passed.filter((each) => each !== item.annotation), item.annotation]);
    moveOn();
  };
  return { queue, item, gone, moveOn, passOver: items.length > 1 ? passOver : null };
}

const SHEETS = ["palette", "help", "preferences"] as const satisfies readonly SheetId[];

/** What the reviewer does with the image alone. */
function lookActs(look: Looking): PageAct[] {
  return [
    {
      act: act("hideLabels"),
      perform: () => look.change({ hidden: true }),
      release: () => look.change({ hidden: false }),
    },
    {
      act: act("labels"),
      perform: () => look.change({ look: nextLook(look.state.get().look) }),
    },
    {
      act: act("image"),
      perform: () => look.change({ image: !look.state.get().image }),
    },
    {
      act: act("outlines"),
      perform: () => look.change({ outlines: !look.state.get().outlines }),
    },
    { act: act("fit"), perform: () => look.fit() },
  ];
}

function SheetButton({ id, onOpen }: { id: SheetId; onOpen: Open }) {
  const what = act(id);
  const Icon = what.icon;
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={label(what.label)}
      onClick={() => onOpen(id)}
      {...spokenKey(what)}
    >
      {Icon ? <Icon size={18} stroke={1.6} /> : null}
    </ActionIcon>
  );
}

interface ImageProps {
  readonly item: Item;
  readonly look: Looking;
  /** Leaves this case for later; null where no other waits. */
  readonly onNext: (() => void) | null;
}

function Image({ item, look, onNext }: ImageProps) {
  const host = useRef<HTMLDivElement>(null);
  const window = usePick(look.state, (state) => state.window);
  const view = usePick(look.state, (state) => (state.annotation === null ? null : state.view));
  useEffect(() => (host.current ? look.mount(host.current) : undefined), [look]);
  const shown = useQuery({
    queryKey: ["shown", item.annotation],
    queryFn: () => loadShown(restServer, item),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  useEffect(() => {
    if (shown.data) look.show(shown.data);
  }, [look, shown.data]);
  return (
    <div className={classes.stage}>
      <div
        ref={host}
        className={classes.surface}
        data-testid="surface"
        data-tool="pan"
        data-case={item.task.case}
        role="img"
        aria-label={t("cases.thumbnail", { id: item.task.case })}
      />
      {shown.isPending ? (
        <Arriving
          text={t("review.loading")}
          aspect={item.image.columns / (item.image.rows * aspectOf(item.image.spacing))}
        />
      ) : null}
      <div className={classes.topLeft}>
        <div>{item.image.patient_key}</div>
        <div>{item.image.modality}</div>
        {item.slices > 1 ? (
          <div>{t("work.slice", { n: item.image.index + 1, of: item.slices })}</div>
        ) : null}
        <div>{t("review.handedIn", { time: dateTime(item.submitted_at) })}</div>
      </div>
      <div className={classes.bottomLeft}>
        {item.image.channels === 1 && shown.data ? (
          <span>
            {t("work.corner.window", {
              width: number(window.width),
              center: number(window.center),
            })}
          </span>
        ) : null}
        {view ? <span>{t("work.corner.zoom", { zoom: decimal(view.scale, 1) })}</span> : null}
      </div>
      <ScaleBar spacing={item.image.spacing} view={view} />
      <Letters axes={item.image.axes} view={view} />
      {shown.error ? (
        <div className={classes.without} role="alert">
          <Empty
            title={t("work.failed")}
            action={
              <Group justify="center">
                <Button onClick={() => void shown.refetch()}>{t("app.retry")}</Button>
                {onNext ? (
                  <Button variant="default" onClick={() => leaving(onNext)}>
                    {t("review.next")}
                  </Button>
                ) : null}
              </Group>
            }
          >
            {errorText(shown.error)}
          </Empty>
        </div>
      ) : null}
    </div>
  );
}

function useVerdict(item: Item, slug: string, onDone: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ verdict, comment }: { verdict: Verdict; comment: string }) =>
      body(
        client.POST("/api/v1/annotations/{id}/review", {
          params: { path: { id: item.annotation } },
          body: { verdict, comment },
        }),
      ),
    // Show the next case at once; a refusal brings the list back as the server has it.
    onSuccess: () => {
      queries.setQueryData<Item[]>(reviewsQuery(slug).queryKey, (items) =>
        items?.filter((each) => each.annotation !== item.annotation),
      );
      onDone();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: campaignQuery(slug).queryKey }),
  });
}

function Decision(props: {
  item: Item;
  slug: string;
  look: Looking;
  verdicts: RefObject<readonly PageAct[]>;
  /** The case waits for review no more. */
  gone: boolean;
  onDone: () => void;
}) {
  const { item, slug, look, verdicts, onDone } = props;
  const [comment, setComment] = useState("");
  const asked = useLeave(comment.trim() !== "", t("review.commentLost"));
  const field = useRef<HTMLTextAreaElement>(null);
  const verdict = useVerdict(item, slug, onDone);
  const { mutate, isPending } = verdict;
  const refused = verdict.error instanceof ApiError && verdict.error.status === 409;
  const gone = refused || (props.gone && !isPending);
  // Nobody decides on a case that they have not seen.
  const seen = usePick(look.state, (state) => state.annotation === item.annotation);
  const ready = seen && !gone;
  // With the case itself: a key pressed right after it came is meant for it.
  useLayoutEffect(() => {
    verdicts.current = [
      {
        act: act("accept"),
        enabled: ready && !isPending,
        perform: () => mutate({ verdict: "accept", comment: comment.trim() }),
      },
      { act: act("comment"), perform: () => field.current?.focus() },
    ];
    return () => {
      verdicts.current = [];
    };
  }, [mutate, isPending, ready, comment, verdicts]);

  return (
    <section>
      {asked}
      <h2>{t("tab.reviews")}</h2>
      <Button
        fullWidth
        mb={10}
        loading={isPending}
        disabled={!ready}
        onClick={() => mutate({ verdict: "accept", comment: comment.trim() })}
        {...spokenKey(act("accept"))}
        rightSection={
          <kbd className={classes.onAccent} aria-hidden>
            {firstKey(act("accept"))}
          </kbd>
        }
      >
        {t("review.accept")}
      </Button>
      <Textarea
        ref={field}
        size="xs"
        label={t("review.comment")}
        description={t("review.commentHelp")}
        {...spokenKey(act("comment"))}
        autosize
        minRows={3}
        maxRows={10}
        value={comment}
        onChange={(event) => setComment(event.currentTarget.value)}
      />
      <Button
        fullWidth
        mt={8}
        variant="default"
        disabled={comment.trim() === "" || !ready || isPending}
        onClick={() => mutate({ verdict: "return", comment: comment.trim() })}
      >
        {t("review.return")}
      </Button>
      {gone ? (
        <>
          <div role="alert" className={classes.attention}>
            <p>{t("review.gone")}</p>
            {comment.trim() === "" ? null : <p>{t("review.commentUnsent")}</p>}
          </div>
          <Button fullWidth variant="default" onClick={() => leaving(onDone)}>
            {t("review.next")}
          </Button>
        </>
      ) : (
        <ErrorNote error={verdict.error} />
      )}
    </section>
  );
}

function Layers(props: {
  look: Looking;
  list: readonly Schemas["ClassOutput"][];
  withSuggestion: boolean;
}) {
  const { look, list, withSuggestion } = props;
  const { state } = look;
  const outlines = usePick(state, (shown) => shown.outlines);
  const strengths = usePick(state, (shown) => shown.strengths);
  return (
    <section>
      <ImageAndLabels
        image={usePick(state, (shown) => shown.image)}
        look={usePick(state, (shown) => shown.look)}
        opacity={usePick(state, (shown) => shown.opacity)}
        strengths={strengths}
        unshown={usePick(state, (shown) => shown.unshown)}
        list={list.filter((each) => !each.retired)}
        onImage={(image) => look.change({ image })}
        onLook={(chosen) => look.change({ look: chosen })}
        onOpacity={(opacity) => look.change({ opacity })}
        onClass={(label) => look.toggleClass(label)}
        onStrength={(label, strength) =>
          look.change({ strengths: new Map([...strengths, [label, strength]]) })
        }
      />
      <Switch
        size="xs"
        label={t("work.outlines")}
        checked={outlines && withSuggestion}
        disabled={!withSuggestion}
        onChange={(event) => look.change({ outlines: event.currentTarget.checked })}
      />
    </section>
  );
}

/** Classes that the reader said nothing of: where they are not drawn, they may still be. */
function Unseen({ list, item }: { list: readonly Schemas["ClassOutput"][]; item: Item }) {
  if (item.unseen.length === 0) return null;
  const names = item.unseen.map(
    (index) => list.find((each) => each.index === index)?.name ?? number(index),
  );
  return (
    <section className={classes.comment} aria-label={t("work.unseen")}>
      <h2>{t("work.unseen")}</h2>
      <p className={classes.unseen}>
        <IconAlertTriangle size={16} aria-hidden />
        {new Intl.ListFormat(language, { type: "conjunction" }).format(names)}
      </p>
      <p className={classes.dim}>{t("review.unseenHelp")}</p>
    </section>
  );
}

function Answers({
  questions,
  item,
}: {
  questions: readonly Schemas["QuestionOutput"][];
  item: Item;
}) {
  const list = new Intl.ListFormat(language, { type: "conjunction" });
  const answered = questions.filter(({ name, retired }) => !retired || name in item.findings);
  if (answered.length === 0) return null;
  return (
    <section>
      <h2>{t("review.findings")}</h2>
      <dl className={classes.answers}>
        {answered.map(({ name, text }) => {
          const value = item.findings[name];
          return (
            <div key={name}>
              <dt>{text}</dt>
              <dd>
                {isNone(value)
                  ? t("work.noneOfThese")
                  : Array.isArray(value)
                    ? list.format(value)
                    : (value ?? t("review.noAnswer"))}
              </dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}

function ClassLegend(props: {
  list: readonly Schemas["ClassOutput"][];
  /** Those that the reader said nothing of. */
  unseen: readonly number[];
}) {
  const { list, unseen } = props;
  if (list.length === 0) return null;
  return (
    <section>
      <h2>{t("work.classes")}</h2>
      {list
        .filter((each) => !each.retired)
        .map((each) => (
          <div key={each.index} className={classes.classRow}>
            <span
              className={classes.swatch}
              style={{ "--colour": each.colour } as React.CSSProperties}
            />
            <span className={classes.className} data-unseen={unseen.includes(each.index)}>
              {each.name}
            </span>
          </div>
        ))}
    </section>
  );
}
