"""Every state of the pages that a picture is taken of: who looks, where, and what they do first."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count

from playwright.sync_api import Page, Route

from picture_people import set_preferences, token

READY_SECONDS = 20_000
ANEW = count()
CASE = "() => window.__reticle && window.__reticle.assignment() !== null"


@dataclass(frozen=True)
class Shot:
    """One picture: who looks, at which address, and what they do first."""

    name: str
    person: str
    address: str
    act: Callable[[Page], None] = lambda page: None
    work: bool = False  # waits for a case
    colours: str = "dark"


def key(*keys: str) -> Callable[[Page], None]:
    """Press keys one after the other."""

    def press(page: Page) -> None:
        for each in keys:
            page.keyboard.press(each)

    return press


def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Draw with the mouse along points given as shares of the image."""
    spots = page.evaluate(
        """(points) => { const { image } = window.__reticle.assignment();
        return points.map(([x, y]) =>
          window.__reticle.imageToClient(x * image.columns, y * image.rows)) }""",
        [list(point) for point in points],
    )
    page.mouse.move(spots[0]["x"], spots[0]["y"])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(spot["x"], spot["y"], steps=6)
    page.mouse.up()


def drawing(tool: str) -> Callable[[Page], None]:
    """Choose a tool and leave a stroke of it on the image, of a class that is not there yet."""

    def draw(page: Page) -> None:
        page.keyboard.press("3")
        page.keyboard.press(tool)
        stroke(page, (0.35, 0.4), (0.45, 0.45), (0.5, 0.55))

    return draw


def offline(page: Page) -> None:
    """Draw without a connection."""
    page.context.set_offline(True)
    page.keyboard.press("2")
    stroke(page, (0.3, 0.3), (0.7, 0.7))
    page.locator("[data-save=offline]").wait_for()


def unanswered(page: Page) -> None:
    """Hand in before the required answers are there."""
    page.keyboard.press("Enter")


def button(page: Page, place: str, number: int = 0) -> None:
    """Press a button of one part of the room, whatever language it speaks."""
    page.locator(f"[data-part={place}] button").nth(number).click()


def searching(page: Page) -> None:
    """Open the palette and type a few letters."""
    page.keyboard.press("Control+k")
    page.locator("[role=combobox]").fill("cl")


def left(page: Page) -> None:
    """Change the hand in the preferences, as a left-handed reader has it."""
    set_preferences(page, {"hand": "left"})
    page.reload()
    page.wait_for_function(CASE)


def step(number: int) -> Callable[[Page], None]:
    """Go to a step of the tour."""

    def forward(page: Page) -> None:
        page.wait_for_function(CASE)
        page.locator("section:has([aria-live=polite]) button").last.wait_for()
        for _ in range(number):
            page.locator("section:has([aria-live=polite]) button").last.click()

    return forward


def give_back(page: Page) -> None:
    """Give the case at hand back from another window."""
    held = page.evaluate("() => window.__reticle.assignment()")
    place = page.url.split("/campaigns/")[0]
    page.context.request.post(
        f"{place}/api/v1/assignments/{held['id']}/release",
        data={"token": held["token"], "reason": "given back elsewhere"},
        headers=token(page.context),
    )


def released(page: Page) -> None:
    """Give the case at hand back from another window; this one hears of it."""
    give_back(page)
    page.context.set_offline(True)
    page.context.set_offline(False)
    page.get_by_role("alert").first.wait_for()


def signed_out(page: Page) -> None:
    """Let the session end; the next save finds out."""
    page.context.clear_cookies()
    page.keyboard.press("2")
    stroke(page, (0.3, 0.3), (0.7, 0.7))
    page.get_by_role("dialog").wait_for()


def saved_elsewhere(page: Page) -> None:
    """Save other work on the case from a second window."""
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_function(CASE)
    other.keyboard.press("2")
    # Each time elsewhere: a stroke over one that is there already is nothing to save.
    place = 0.1 + 0.025 * (next(ANEW) % 32)
    # A case with a draft says that it is saved before the stroke is as well.
    with other.expect_response("**/draft"):
        stroke(other, (0.3, place), (0.7, place + 0.1))
    other.close()


def overtaken(page: Page) -> None:
    """Draw on a case on which a second window has saved other work."""
    saved_elsewhere(page)
    page.keyboard.press("3")
    stroke(page, (0.4, 0.3), (0.6, 0.7))
    page.get_by_role("alert").first.wait_for()


def come_back(page: Page) -> None:
    """Hand a case in that a second window has saved other work on: it comes back for a choice."""
    saved_elsewhere(page)
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_role("button").nth(1).wait_for()


def amended_elsewhere(page: Page) -> None:
    """Amend an earlier answer on which another window has saved other work."""
    said = {"code": "stale_draft", "message": "", "detail": {"sequence": 1}}
    page.route("**/amend", lambda route: route.fulfill(status=409, json=said))
    page.wait_for_function("() => window.__reticle.seen()")
    with page.expect_response("**/submit"):
        page.keyboard.press("Enter")
    page.keyboard.press("Shift+B")
    page.locator("[data-case]:not([data-testid])").first.click()
    page.get_by_text(re.compile("amending an earlier answer|正在修改先前的提交")).wait_for()
    page.keyboard.press("2")
    stroke(page, (0.3, 0.3), (0.7, 0.7))
    page.wait_for_function("() => window.__reticle.seen()")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_role("button").nth(1).wait_for()


def overtaken_asking(place: int) -> Callable[[Page], None]:
    """Choose one of the two drawings, by the place of its button: it is asked about."""

    def ask(page: Page) -> None:
        overtaken(page)
        page.get_by_role("alert").get_by_role("button").nth(place).click()
        page.get_by_role("dialog").wait_for()

    return ask


def unanswering(page: Page) -> None:
    """Ask for something while the server does not answer."""
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_role("tab").nth(2).click()
    page.get_by_role("alert").first.wait_for()


def alike(page: Page) -> None:
    """Open the labelled cases that are like the one at hand."""
    page.locator("[data-part=panel] button[aria-expanded]").last.click()
    page.wait_for_load_state("networkidle")


def missed(page: Page) -> None:
    """Ask what the model would miss, and wait for the map."""
    page.keyboard.press("Shift+Y")
    page.wait_for_timeout(1500)  # a map that is there already is shown at once
    page.locator("[data-part=panel] output").wait_for(state="detached", timeout=120_000)


def volume(page: Page) -> None:
    """Open the three planes and wait for them."""
    page.keyboard.press("Shift+P")
    page.locator("canvas").nth(4).wait_for(timeout=READY_SECONDS)
    page.wait_for_load_state("networkidle")


def unsent(page: Page) -> None:
    """Hand a case in that does not reach the server, and go home."""
    page.route("**/submit", lambda route: route.abort())
    page.keyboard.press("2")
    stroke(page, (0.3, 0.3), (0.7, 0.7))
    page.wait_for_function("() => window.__reticle.seen()")
    at_hand = page.evaluate("() => window.__reticle.assignment().id")
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => window.__reticle.assignment()?.id !== {at_hand}")
    page.locator("header a[href='/']").first.click()
    page.get_by_role("alert").first.wait_for()
    page.locator("main h3, main h2").nth(2).wait_for()


def leaving(page: Page) -> None:
    """Log out with finished work that did not reach the server."""
    unsent(page)
    page.locator("header button").last.click()
    page.get_by_role("menuitem").last.click()
    page.get_by_role("dialog").wait_for()


def refused(page: Page) -> None:
    """Hand a case in that the server does not take, and that is no longer at hand."""
    said = {"code": "bad_mask", "message": "", "detail": None}
    page.route("**/submit", lambda route: route.fulfill(status=422, json=said))
    page.keyboard.press("2")
    stroke(page, (0.3, 0.3), (0.7, 0.7))
    page.wait_for_function("() => window.__reticle.seen()")
    give_back(page)
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_role("button").nth(1).wait_for()


def left_with_refused(page: Page) -> None:
    """Come back to a campaign that one has left with a case that was not taken."""
    refused(page)
    said = {"code": "not_found", "message": "", "detail": None}
    for door in ("", "/lease", "/recent"):
        address = f"**/api/v1/campaigns/brain-mri{door}"
        page.route(address, lambda route: route.fulfill(status=404, json=said))
    page.reload()
    page.get_by_role("alert").get_by_role("button").nth(1).wait_for()


def discarding(page: Page) -> None:
    """Ask to discard what the server does not take."""
    refused(page)
    page.get_by_role("alert").get_by_role("button").nth(1).click()
    page.get_by_role("dialog").wait_for()


def lacking(what: str, *keys: str) -> Callable[[Page], None]:
    """Go without something that the server fails over."""

    def without(page: Page) -> None:
        page.route(f"**/{what}*", lambda route: route.fulfill(status=500))
        page.reload()
        page.wait_for_function(CASE)
        for each in keys:
            page.keyboard.press(each)
        page.get_by_role("alert").or_(page.locator("[data-phase=failed]")).first.wait_for()

    return without


def remarking(page: Page) -> None:
    """Begin a remark."""
    page.keyboard.press("Shift+Q")
    page.locator("form textarea").first.fill("The lesion on the left is an artefact?")


def remark_leaving(page: Page) -> None:
    """Go home with a remark that is begun."""
    remarking(page)
    page.locator("header a[href='/']").first.click()
    page.locator("[role=dialog][aria-modal=true]").wait_for()


def each_class(page: Page) -> None:
    """Take one class out of sight, and show another more weakly."""
    page.get_by_role("button", name=re.compile("^(Each class by itself|逐个类别设置)$")).click()
    by_class = page.get_by_role("group", name=re.compile("^(Each class by itself|逐个类别设置)$"))
    by_class.get_by_role("checkbox").nth(1).uncheck()
    by_class.get_by_role("slider").first.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")


def unclosed(page: Page) -> None:
    """Begin an outline, and go to the next slice."""
    page.keyboard.press("p")
    for x, y in ((0.4, 0.35), (0.6, 0.4), (0.55, 0.6)):
        stroke(page, (x, y))
    page.keyboard.press("ArrowDown")
    page.locator("[data-part=stage] [role=status] button").nth(1).wait_for()


def begun(page: Page) -> None:
    """Begin a campaign and go home."""
    page.locator("main input").first.fill("Liver CT")
    page.locator("header a[href='/']").first.click()
    page.get_by_role("dialog").wait_for()


def without_image(page: Page) -> None:
    """Come to a case whose image cannot be had."""
    page.route("**/pixels*", lambda route: route.fulfill(status=500))
    page.reload()


def broken(page: Page) -> None:
    """Wait until the room says that a case cannot be shown."""
    without_image(page)
    page.locator("[role=status] button").nth(1).wait_for()


def unsaved(page: Page) -> None:
    """Change a setting and go to another tab."""
    page.locator("main textarea:visible, main input[type=text]:visible").first.fill("Another name")
    page.get_by_role("tab").first.click()
    page.get_by_role("dialog").wait_for()


def strategy(page: Page) -> None:
    """Open the ways in which cases can be chosen."""
    page.get_by_role("combobox", name=re.compile("model chooses cases|模型选取病例")).click()
    page.locator("[role=option]:visible").first.wait_for()


def closing(page: Page) -> None:
    """Ask to close the campaign."""
    page.get_by_role("button", name=re.compile("^(Close campaign|关闭标注项目)$")).click()
    page.get_by_role("dialog").wait_for()


def removing(page: Page) -> None:
    """Ask to remove a member."""
    page.locator("main table button").last.click()
    page.get_by_role("dialog").wait_for()


def picture_removing(page: Page) -> None:
    """Ask to remove a picture of the guideline."""
    page.get_by_role("button", name=re.compile("^(Remove picture|删除图片) ")).first.click()
    page.get_by_role("dialog").wait_for()


def still_here(page: Page) -> None:
    """Log out while the server does not answer."""
    page.route("**/api/v1/session", lambda route: route.abort())
    page.locator("header button").last.click()
    page.get_by_role("menuitem").last.click()
    page.get_by_role("dialog").wait_for()


def sending(page: Page) -> None:
    """Send a large file over a slow line, look at another tab meanwhile, and come back."""
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 500_000}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    sent = {"name": "volume.nii.gz", "mimeType": "application/gzip", "buffer": bytes(8_000_000)}
    page.locator("[type=file]").last.set_input_files(sent)  # type: ignore[arg-type]
    page.locator("main [role=progressbar]").wait_for()
    page.get_by_role("tab").nth(3).click()
    page.locator("main [role=progressbar]").wait_for(state="detached")
    page.get_by_role("tab").nth(4).click()
    page.locator("main [role=progressbar]:not([aria-valuenow='0'])").wait_for()


def unreadable(page: Page) -> None:
    """Have the champion find images that it could not read."""

    def answer(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "unreadable": 2})

    page.route("**/learning", answer)
    page.reload()
    page.get_by_text(re.compile("(images could not be read|无法读取)")).first.wait_for()


READ = "campaigns/brain-mri/read"
TABS = (
    "overview", "guideline", "cases", "readers", "import", "reviews", "models", "exports",
    "settings", "audit",
)  # fmt: skip


def shots() -> Iterator[Shot]:
    """List every state. A picture's name says what it is of."""
    yield from desk()
    yield from workstation()
    yield from rooms()


def desk() -> Iterator[Shot]:
    """List the pages around the reading room."""
    yield Shot("login", "", "")
    yield Shot("login-light", "", "", colours="light")
    yield Shot("login-wrong", "", "", wrong_password)
    for colours in ("dark", "light"):
        for person in ("reader", "reviewer", "manager"):
            yield Shot(f"home-{person}-{colours}", person, "", colours=colours)
    yield Shot("home-account", "manager", "", lambda page: page.locator("header button").click())
    yield Shot("home-palette", "manager", "", searching)
    yield Shot("new-campaign", "manager", "campaigns/new")
    yield Shot(
        "new-questions",
        "manager",
        "campaigns/new",
        lambda page: page.locator("[type=radio]").nth(1).check(),
    )
    yield Shot("new-strategy", "manager", "campaigns/new", strategy)
    yield Shot("settings-strategy", "manager", "campaigns/brain-mri/settings", strategy)
    yield Shot("new-leaving", "manager", "campaigns/new", begun)
    yield Shot("nowhere", "reader", "nowhere")
    for tab in TABS:
        yield Shot(f"tab-{tab}", "manager", f"campaigns/brain-mri/{tab}")
    for tab in ("overview", "models", "settings", "cases"):
        yield Shot(f"tab-{tab}-light", "manager", f"campaigns/brain-mri/{tab}", colours="light")
    for tab in ("overview", "models", "exports", "settings"):
        yield Shot(f"asking-{tab}", "manager", f"campaigns/findings/{tab}")
    yield Shot("empty-overview", "manager", "campaigns/nothing-yet/overview")
    yield Shot("empty-cases", "manager", "campaigns/nothing-yet/cases")
    yield Shot("empty-models", "manager", "campaigns/nothing-yet/models")
    yield Shot(
        "error-open",
        "manager",
        "campaigns/nothing-yet",
        lambda page: page.locator("main button:not([role=tab])").first.click(),
    )
    yield Shot("error-away", "manager", "campaigns/brain-mri/overview", unanswering)
    yield Shot("model", "manager", "campaigns/brain-mri/models/1")
    yield Shot("model-light", "manager", "campaigns/brain-mri/models/1", colours="light")
    yield Shot("model-2", "manager", "campaigns/brain-mri/models/2")
    yield Shot("model-2-below", "manager", "campaigns/brain-mri/models/2", down)
    yield Shot("model-onnx", "manager", "campaigns/brain-mri/models/1", as_onnx)
    yield Shot("models-below", "manager", "campaigns/brain-mri/models", down)
    yield Shot("models-train", "manager", "campaigns/brain-mri/models", training)
    yield Shot("models-train-file", "manager", "campaigns/brain-mri/models", from_file)
    yield Shot("models-recipe", "manager", "campaigns/brain-mri/models", recipe)
    yield Shot("models-variants", "manager", "campaigns/brain-mri/models", variants)
    yield Shot("models-choice", "manager", "campaigns/brain-mri/models", chosen)
    yield Shot("model-refused", "manager", "campaigns/brain-mri/models", refused_version)
    yield Shot("model-refused-drawings", "manager", "campaigns/brain-mri/models", refused_drawings)
    yield Shot("preferences-language", "manager", "", other_language)
    yield Shot("settings-below", "manager", "campaigns/brain-mri/settings", lower)
    yield Shot("settings-unsaved", "manager", "campaigns/brain-mri/settings", unsaved)
    yield Shot("settings-closing", "manager", "campaigns/brain-mri/settings", closing)
    yield Shot("settings-picture", "manager", "campaigns/brain-mri/settings", picture_removing)
    yield Shot("readers-removing", "manager", "campaigns/brain-mri/readers", removing)
    yield Shot("model-against", "manager", "campaigns/brain-mri/models/2/against/1")
    yield Shot(
        "model-against-drawings", "manager", "campaigns/brain-mri/models/2/against/1", drawn_by_both
    )
    yield Shot("overview-unreadable", "manager", "campaigns/brain-mri/overview", unreadable)
    yield Shot("import-sending", "manager", "campaigns/brain-mri/import", sending)
    yield Shot("log-out-failed", "manager", "", still_here)
    yield Shot("campaign-reader", "reader", "campaigns/brain-mri")
    yield Shot("keys-desk", "manager", "", key("?"))


def drawn_by_both(page: Page) -> None:
    """Go to what both versions draw."""
    page.locator("figure img").last.wait_for()
    page.wait_for_load_state("networkidle")
    page.locator("section:has(figure)").evaluate("(part) => part.scrollIntoView()")


def down(page: Page) -> None:
    """Go to the end of a long page."""
    page.keyboard.press("End")
    page.mouse.move(640, 400)
    page.mouse.wheel(0, 20_000)


def as_onnx(page: Page) -> None:
    """Have the model made into one file, and wait for it."""
    made = page.locator("a[href$='/onnx/file']")
    make = page.get_by_role("button", name=re.compile("ONNX"))
    made.or_(make).first.wait_for()
    if not made.count():
        make.first.click()
    made.wait_for(timeout=120_000)
    made.scroll_into_view_if_needed()


def lower(page: Page) -> None:
    """Go to the end of a long form."""
    page.locator("main button").last.scroll_into_view_if_needed()


def training(page: Page) -> None:
    """Open what can be asked of a training."""
    page.get_by_role("button", name=re.compile("^(Train now|立即训练)$")).click()
    page.get_by_role("dialog").wait_for()


def variants(page: Page) -> None:
    """Ask for a cross-validation that compares two recipes."""
    training(page)
    page.get_by_text(re.compile("^(Cross-validate|交叉验证)$")).last.click()
    page.get_by_role("button", name=re.compile("^(Compare recipes|比较配方)$")).click()
    field = page.get_by_role("dialog").locator("fieldset input").first
    field.fill("blur")
    field.scroll_into_view_if_needed()


def chosen(page: Page) -> None:
    """Show what a comparison of recipes found."""
    row = page.get_by_role("row").filter(has_text=re.compile("recipes cross-validated|个配方交叉"))
    row.first.get_by_role("button").click()
    table = page.get_by_role("group", name=re.compile("^(Recipes compared|配方比较)$")).first
    table.wait_for()
    table.scroll_into_view_if_needed()


def refused_version(page: Page) -> None:
    """Set the newest version that the gate refused against the champion."""
    address = page.url.split("/campaigns/")[0]
    models = page.context.request.get(f"{address}/api/v1/campaigns/brain-mri/models").json()
    refused = max(each["number"] for each in models if each["state"] == "rejected")
    champion = next(each["number"] for each in models if each["state"] == "champion")
    page.goto(f"{address}/campaigns/brain-mri/models/{refused}/against/{champion}")
    page.wait_for_load_state("networkidle")


def refused_drawings(page: Page) -> None:
    """Go to what a version that was refused draws."""
    refused_version(page)
    drawn_by_both(page)


def recipe(page: Page) -> None:
    """Unfold what the runs of a campaign change, with words that are no JSON."""
    page.get_by_role("button", name=re.compile("^(Recipe|训练配方)$")).click()
    fields = page.locator("textarea:visible").first
    fields.fill('{"augment": {"blur": 1.2}, denoise: 3}')
    fields.scroll_into_view_if_needed()


def other_language(page: Page) -> None:
    """Choose another language in the preferences: it is asked about."""
    page.locator("header button").last.click()
    page.get_by_role("menuitem", name=re.compile("^(Preferences|偏好设置)")).click()
    other = page.get_by_role("dialog").locator("input[type=radio]:not(:checked)").first
    page.locator(f"label[for='{other.get_attribute('id')}']").click()


def from_file(page: Page) -> None:
    """Let a training begin with a model from a file."""
    address = page.url.split("/campaigns/")[0]
    model = page.context.request.get(f"{address}/api/v1/models/1/bundle").body()
    training(page)
    page.get_by_role("dialog").get_by_role("combobox").first.click()
    page.get_by_role("option").nth(4).click()
    sent = {"name": "model-v1.zip", "mimeType": "application/zip", "buffer": model}
    page.locator("[type=file]").last.set_input_files(sent)  # type: ignore[arg-type]


def wrong_password(page: Page) -> None:
    """Try to log in with another one's password."""
    page.locator("input").nth(0).fill("reader")
    page.locator("input").nth(1).fill("wrong")
    page.keyboard.press("Enter")
    page.locator("[role=alert]:not(:empty)").wait_for()


def workstation() -> Iterator[Shot]:
    """List the reading room with a case."""
    room = partial(Shot, person="reader", address=READ, work=True)
    yield room("work")
    for name, tool in (
        ("brush", "b"), ("eraser", "e"), ("threshold", "t"), ("polygon", "p"), ("livewire", "l"),
        ("bucket", "g"), ("region", "m"), ("ruler", "d"), ("window", "w"),
    ):  # fmt: skip
        yield room(f"work-{name}", act=drawing(tool))
    yield room("work-outline", act=key("s"))
    yield room("work-labels-outlined", act=key(";"))
    yield room("work-class-hidden", act=key("/"))
    yield room("work-each-class", act=each_class)
    yield room("work-unclosed", act=unclosed)
    yield room("work-swap", act=key("Control+e"))
    yield room("work-uncertainty", act=key("Shift+W"))
    yield room("work-explanation", act=key("Shift+L"))
    yield room("work-missed", act=missed)
    yield room("work-alike", act=alike)
    yield room("work-volume", act=volume)
    yield room("work-skip", act=key("Shift+S"))
    yield room("work-remarks", act=key("Shift+Q"))
    yield room("work-recent", act=key("Shift+B"))
    yield room("work-guideline", act=key("Shift+G"))
    yield room("work-palette", act=searching)
    yield room("work-keys", act=key("?"))
    yield room("work-preferences", act=key("Control+,"))
    yield room("work-offline", act=offline)
    yield room("work-left", act=left)
    yield room("work-signed-out", act=signed_out)
    yield room("work-overtaken", act=overtaken)
    yield room("work-overtaken-theirs", act=overtaken_asking(0))
    yield room("work-overtaken-mine", act=overtaken_asking(1))
    yield room("work-come-back", act=come_back)
    yield room("work-amended-elsewhere", act=amended_elsewhere)
    yield room("work-released", act=released)
    yield room("work-broken", act=broken)
    yield room("work-refused", act=refused)
    yield room("work-discarding", act=discarding)
    yield room("work-refused-left", act=left_with_refused)
    yield room("work-without-map", act=lacking("suggestion-maps/", "Shift+W"))
    yield room("work-without-volume", act=lacking("series/", "Shift+P"))
    yield room("work-remarking", act=remarking)
    yield room("work-remark-leaving", act=remark_leaving)
    yield room("unsent-home", act=unsent)
    yield room("unsent-leaving", act=leaving)
    yield room("work-no-panel", act=key("\\"))


def rooms() -> Iterator[Shot]:
    """List the other rooms: questions, series, review, the tour, and where nothing is to do."""
    asking = partial(Shot, person="reader", address="campaigns/findings/read", work=True)
    yield asking("questions", act=key("1"))
    yield asking("questions-lacking", act=unanswered)
    yield asking("questions-suggested", act=prefilled)
    yield Shot("series", "reader", "campaigns/series/read", drawing("b"), work=True)
    yield Shot(
        "series-without", "reader", "campaigns/series/read", lacking("api/v1/series/"), work=True
    )
    for number in (0, 2, 6):
        yield Shot(f"tour-{number + 1}", "reader", "tour", step(number), work=True)
    yield Shot("review", "reviewer", "campaigns/reviewed/review", reviewing)
    yield Shot("review-waiting", "reviewer", "campaigns/reviewed/review", waiting)
    yield Shot("review-without", "reviewer", "campaigns/reviewed/review", unshown)
    yield Shot("review-gone", "reviewer", "campaigns/reviewed/review", decided)
    yield Shot("review-unseen", "reviewer", "campaigns/reviewed/review", unlooked)
    yield Shot("review-others", "reviewer", "campaigns/reviewed/review", comparing)
    yield Shot("review-leaving", "reviewer", "campaigns/reviewed/review", commenting)
    yield Shot("review-done", "reviewer", "campaigns/brain-mri/review")
    yield Shot("work-empty", "reader", "campaigns/nothing-yet/read")
    yield Shot("work-forbidden", "reviewer", READ)


def prefilled(page: Page) -> None:
    """Change one of the answers that a model filled in."""
    answers = {"is-a-lesion-there": "yes", "signs": ["oedema"], "image-quality": 4}
    saved = {"sequence": 1, "saved_at": "2026-01-01T00:00:00Z"}
    made = {"id": 1, "model_number": 3, "mask_url": "", "findings": answers, "maps": []}

    def answer(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "suggestion": made, "draft": None})

    page.route("**/lease", answer)
    page.route("**/draft", lambda route: route.fulfill(json=saved))
    page.reload()
    page.wait_for_function(CASE)
    page.locator("[data-part=panel] [role=radio]").nth(1).click()
    page.locator("[data-save=saved]").wait_for()


def reviewing(page: Page) -> None:
    """Wait until the drawing under review is shown."""
    page.get_by_test_id("surface").wait_for()
    page.wait_for_load_state("networkidle")


def waiting(page: Page) -> None:
    """Come to a case before its image does."""
    page.route("**/pixels*", lambda route: None)
    page.goto(page.url, wait_until="domcontentloaded")
    page.get_by_test_id("surface").wait_for(state="attached")


def unshown(page: Page) -> None:
    """Come to a case whose image cannot be had."""
    without_image(page)
    page.get_by_role("alert").first.wait_for()


def decided(page: Page) -> None:
    """Have the case decided by another meanwhile."""
    reviewing(page)
    page.route("**/reviews*", lambda route: route.fulfill(json=[]))

    def counted(route: Route) -> None:
        there = route.fetch().json()
        route.fulfill(json={**there, "mine": {**there["mine"], "to_review": 0}})

    page.route(re.compile(r"/api/v1/campaigns/[^/]+$"), counted)
    page.get_by_role("alert").first.wait_for()


def unlooked(page: Page) -> None:
    """Go to the case on which a class was not looked at."""
    address, _, rest = page.url.partition("/campaigns/")
    slug = rest.split("/")[0]
    items = page.context.request.get(f"{address}/api/v1/campaigns/{slug}/reviews").json()
    number = next(item["annotation"] for item in items if item["unseen"])
    page.goto(f"{page.url}?annotation={number}")
    reviewing(page)


def commenting(page: Page) -> None:
    """Leave with a comment that is not sent."""
    reviewing(page)
    page.locator("aside textarea").first.fill("The border on the left runs through white matter.")
    page.locator("header a").nth(1).click()
    page.get_by_role("dialog").wait_for()


def comparing(page: Page) -> None:
    """Lay what other readers drew over the one under review."""
    reviewing(page)
    for box in page.locator("aside section [role=switch]").all()[:-1]:
        box.check(force=True)
