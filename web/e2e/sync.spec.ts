/** Two devices of one person, online and offline. */
import { type Device, pair, SOON, showTheSame } from "./devices";
import { day, expect, findViolations, type Store, test } from "./product";
import { after, type Content, Dice, inOrder, meet, nextOp, type Tasks } from "./schedules";

test.use({ failuresExpected: true });

test("two devices sync after an outage, with one question", async ({ context, person, store }) => {
  for (const title of ["Paint the door", "Call the dentist", "Buy paint", "Sell the bike", "Water the plants"]) {
    await store.add({ title });
  }
  const [laptop, phone] = await pair(context, person);
  await expect(laptop.page.locator("[data-row]")).toHaveCount(5);
  await laptop.context.setOffline(true);
  await expect(laptop.tasks.note("You are offline")).toBeVisible();

  const change = async (
    { tasks }: Device,
    title: string,
    to: { title?: string; priority?: string; notes?: string },
  ) => {
    const form = await tasks.edit(title);
    if (to.title) await form.getByLabel("Title").fill(to.title);
    if (to.notes) await form.getByLabel("Notes").fill(to.notes);
    if (to.priority) await form.getByRole("radio", { name: to.priority }).check();
    await form.getByRole("button", { name: "Save" }).click();
    await expect(tasks.row(to.title ?? title)).toBeVisible();
  };
  // Different fields of one task, the same field of another, and the same change to a third.
  await change(laptop, "Call the dentist", { notes: "Ask about Friday." });
  await change(phone, "Call the dentist", { title: "Call the new dentist", priority: "High" });
  await change(laptop, "Paint the door", { title: "Paint the door red", priority: "Low" });
  await change(phone, "Paint the door", { title: "Paint the door blue" });
  await laptop.tasks.checkbox("Water the plants").click();
  await phone.tasks.checkbox("Water the plants").click();
  // A deletion of an unchanged task, and one of a task that the other device changed.
  await laptop.tasks.delete("Buy paint");
  await laptop.tasks.note("Deleted").getByRole("button", { name: "Dismiss" }).click();
  await change(laptop, "Sell the bike", { title: "Sell the red bike" });
  await phone.tasks.delete("Sell the bike");
  await phone.tasks.note("Deleted").getByRole("button", { name: "Dismiss" }).click();
  await laptop.tasks.add("Written on the train");
  await phone.tasks.add("Written at home");
  await phone.tasks.hasSaved("Written at home");
  await expect.poll(async () => (await store.all()).length).toBe(5);

  await laptop.context.setOffline(false);
  const dialog = laptop.page.getByRole("dialog", { name: "Changed somewhere else" });
  await expect(dialog.getByRole("region", { name: "Your version" })).toContainText("Paint the door red");
  await expect(dialog.getByRole("region", { name: "The other version" })).toContainText("Paint the door blue");
  await dialog.getByRole("button", { name: "Keep mine" }).click();
  await expect(dialog).toBeHidden();
  await laptop.tasks.row("Sell the red bike").getByRole("button", { name: "Add it again" }).click();

  const tasks = await showTheSame([laptop, phone], store);
  expect(tasks.map(inOrder).sort()).toEqual([
    ["Call the new dentist", false, "High"],
    ["Paint the door red", false, "Low"],
    ["Sell the red bike", false, "None"],
    ["Water the plants", true, "None"],
    ["Written at home", false, "None"],
    ["Written on the train", false, "None"],
  ]);
  const form = await phone.tasks.edit("Call the new dentist");
  await expect(form.getByLabel("Notes")).toHaveValue("Ask about Friday.");
  await expect(phone.page.getByRole("dialog")).toBeHidden();
  await phone.context.close();
});

const SCHEDULES = 50;
const SEED = Number(process.env.SEED ?? 20_261_124);

for (const half of [0, 1]) {
  test(`random schedules converge, and lose nothing (half ${half + 1})`, async ({ context, person, store }) => {
    // About a second for each schedule, but not beside a build.
    test.slow();
    const dice = new Dice(SEED + half);
    const devices = await pair(context, person);
    let base: Tasks = new Map();
    for (let schedule = 0; schedule < SCHEDULES / 2; schedule++) {
      await test.step(`schedule ${schedule} of seed ${SEED + half}`, async () => {
        base = await play(dice, devices, base, store, `${schedule}`);
      });
    }
    await devices[1].context.close();
  });
}

/** Lets both devices work for a while, one or both of them offline, and then meet. Returns their tasks. */
async function play(dice: Dice, devices: readonly Device[], base: Tasks, store: Store, name: string): Promise<Tasks> {
  const [first, second] = (dice.below(2) === 0 ? devices : devices.toReversed()) as [Device, Device];
  const areBothOffline = dice.below(2) === 0;
  await second.context.setOffline(true);
  if (areBothOffline) await first.context.setOffline(true);
  const sides = [first, second].map((device) => ({ device, tasks: base }));
  const steps = 3 + dice.below(5);
  for (let step = 0; step < steps; step++) {
    const side = dice.of(sides);
    const op = nextOp(dice, base, side.tasks, `${name}-${step}`);
    const done = await side.device.driver.do(op);
    if (!done) throw new Error(`no row for ${JSON.stringify(op)}`);
    side.tasks = after(side.tasks, op, done.id);
  }
  if (areBothOffline) await first.context.setOffline(false);
  await expect.poll(() => first.driver.isSettled(), { intervals: [20] }).toBe(true);

  const [theirs, mine] = sides.map(({ tasks }) => tasks) as [Tasks, Tasks];
  const questions = new Map<string, { readonly theirs: Content | undefined; readonly mine: Content | undefined }>();
  const wanted: (Content | undefined)[] = [];
  for (const id of new Set([...base.keys(), ...theirs.keys(), ...mine.keys()])) {
    const meeting = meet(base.get(id), theirs.get(id), mine.get(id));
    if (meeting.is === "settled") wanted.push(meeting.content);
    if (meeting.is === "conflict") questions.set(meeting.theirs.title, meeting);
    if (meeting.is === "gone") questions.set(meeting.mine.title, { theirs: undefined, mine: meeting.mine });
  }

  await second.context.setOffline(false);
  const { page, driver } = second;
  const asked: string[] = [];
  await expect(async () => {
    const question = page.locator("dialog[open] .version:last-child dd").first();
    const lost = page.locator(".task-unsaved").first();
    const isConflict = await question.isVisible();
    if (isConflict || (await lost.isVisible())) {
      const title = await (isConflict ? question : lost.locator("button.task-title")).innerText();
      const isMine = dice.below(2) === 0;
      const answers = page.locator(isConflict ? "dialog[open] .dialog-actions button" : ".task-unsaved .text-button");
      await answers.nth(isMine ? 0 : 1).click();
      await expect(isConflict ? question : lost)
        .not.toHaveText(title, { timeout: 1_000 })
        .catch(() => {});
      asked.push(title);
      wanted.push(isMine ? questions.get(title)?.mine : questions.get(title)?.theirs);
    }
    expect(await driver.isSettled()).toBe(true);
    expect(asked.length).toBeGreaterThanOrEqual(questions.size);
  }).toPass({ timeout: SOON, intervals: [20] });
  expect(asked.sort(), "where both have changed the same").toEqual([...questions.keys()].sort());

  const tasks = await showTheSame(devices, store);
  expect(tasks.map(inOrder).sort()).toEqual(
    wanted
      .filter((content) => content !== undefined)
      .map(inOrder)
      .sort(),
  );
  return driver.read();
}

test("a thousand tasks stay fast", async ({ page, tasks, store }) => {
  await store.addMany(Array.from({ length: 1_000 }, (_, index) => `Task ${index}`));
  await tasks.open();
  await expect(page.getByRole("status")).toHaveText("1000 tasks");
  expect(await page.locator("[data-row]").count()).toBeLessThan(60);
  expect(await findViolations(page)).toEqual([]);
  const longest = await page.evaluate(async () => {
    const long: number[] = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: "longtask",
    });
    for (const check of [...document.querySelectorAll<HTMLElement>("[data-control=check]")].slice(0, 10)) {
      check.click();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    return Math.max(0, ...long);
  });
  console.log(`The longest task while ten of a thousand were completed: ${Math.round(longest)} ms.`);
  expect(longest).toBeLessThan(200);
  await tasks.open();
  await expect(page.getByRole("status")).toHaveText("990 tasks");
});

test("a new device shows tasks before it can store them, and lets them be changed afterwards", async ({
  page,
  tasks,
  store,
}) => {
  await store.add({ title: "Feed the cat" });
  await page.addInitScript(() => {
    const { open } = IDBFactory.prototype;
    IDBFactory.prototype.open = function (...of) {
      const request = open.apply(this, of);
      const listen = request.addEventListener.bind(request);
      request.addEventListener = (type: string, listener: EventListenerOrEventListenerObject) =>
        listen(type, type !== "success" ? listener : (event) => setTimeout(listener as EventListener, 2_000, event));
      return request;
    };
  });
  // The tasks are here before the code.
  await page.route("**/assets/page-*.js", async (route) => {
    await page.waitForResponse(/\/tasks\?/u);
    await route.continue();
  });
  await page.goto("/#/open");
  await expect(page.locator("[data-row]")).toContainText("Feed the cat");
  await expect(page.locator("#task-list")).toHaveAttribute("inert");
  await expect(page.locator("#task-list")).not.toHaveAttribute("inert");
  await tasks.checkbox("Feed the cat").click();
  await expect.poll(() => store.all()).toMatchObject([{ completed: true }]);
});

test("what recurs stays completed if its completion is undone and made again", async ({ context, tasks, store }) => {
  await store.add({ title: "Water the plants", due: day(0), recurrence: { rule: "FREQ=DAILY" } });
  await tasks.open();
  await context.setOffline(true);
  await tasks.checkbox("Water the plants").click();
  await tasks.note("Completed").getByRole("button", { name: "Undo" }).click();
  await expect(tasks.checkbox("Water the plants")).not.toBeChecked();
  await tasks.checkbox("Water the plants").click();
  await context.setOffline(false);
  await expect(tasks.row("Water the plants").filter({ hasText: "Tomorrow" })).toBeVisible();
  // Sent after everything that the first one may bring about.
  await tasks.add("Feed the cat");
  await tasks.hasSaved("Feed the cat");
  const plants = (await store.all()).filter(({ title }) => title === "Water the plants");
  expect(plants.map(({ completed }) => completed).sort()).toEqual([false, true]);
});
