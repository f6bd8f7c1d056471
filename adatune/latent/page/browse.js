// What is collected lives in `collected`, in the order of collecting; everything shown is worked out from it.
const cards = [...document.querySelectorAll("[role=option]")];
const bySeed = new Map(cards.map((card) => [card.dataset.seed, card]));
const { network, command } = document.body.dataset;
const place = `adatune browse: ${network} ${location.pathname}`;
let isStored = true;
let collected = kept(place, (seeds) => new Set(seeds.filter((seed) => bySeed.has(seed))));
const before = []; // earlier lists, for undo

// The list

function listLine() {
  return `--seeds ${[...collected].join(",")}`;
}
function toggle(card) {
  const next = new Set(collected);
  if (!next.delete(card.dataset.seed)) next.add(card.dataset.seed);
  change(next);
  say(`Seed ${card.dataset.seed} ${collected.has(card.dataset.seed) ? "collected" : "put back"}.`, true);
}
function change(next) {
  before.push(collected);
  show(next);
}
function show(next) {
  const touched = new Set([...collected, ...next]);
  collected = next;
  touched.forEach((seed) => draw(bySeed.get(seed)));
  isStored = keep(place, [...collected]);
  drawBar();
  if ($("#only").checked) filter();
}
function undo() {
  if (!before.length) return say("There is nothing to undo.");
  show(before.pop());
  say(`Undone: ${collected.size} collected.`);
}
function clear() {
  if (!collected.size) return;
  const count = collected.size;
  change(new Set());
  say(`${count} put back. Undo brings them back.`);
}
function exportList() {
  if (!collected.size) return say("Nothing is collected yet.");
  download("seeds.txt", `${listLine()}\n`);
}
function copyList() {
  if (!collected.size) return say("Nothing is collected yet.");
  copy(listLine(), "Copied. Paste it after: adatune generate");
}

// Drawing

function draw(card) {
  card.setAttribute("aria-selected", collected.has(card.dataset.seed));
  if (card === current && $("#large").open) drawCollect();
}
function drawBar() {
  $("aside").hidden = !collected.size && !before.length;
  $("#count").textContent = `${collected.size} collected`;
  $("#list").textContent = collected.size ? listLine() : "";
  if (!isStored) $("#count").textContent += ", lost when this page closes: export them";
}
function filter() {
  const only = $("#only").checked;
  for (const card of cards) card.hidden = only && !collected.has(card.dataset.seed);
  $("#nothing").hidden = !only || collected.size > 0;
  if (current.hidden) select(seen()[0] || current);
}

// Moving

function seen() {
  return $("#only").checked ? cards.filter((card) => !card.hidden) : cards;
}
function step(by) {
  const all = seen();
  go(all[all.indexOf(current) + by]);
}
function columns() {
  return getComputedStyle($("main")).gridTemplateColumns.split(" ").length;
}
function resize(by) {
  const slider = $("#size");
  slider.value = +slider.value + by;
  applySize();
}
function applySize() {
  document.documentElement.style.setProperty("--size", `${$("#size").value}px`);
}
function showLarge() {
  const { seed } = current.dataset;
  const all = seen();
  $("#large img").src = $("img", current).src;
  $("#large img").alt = `seed ${seed}`;
  $("#large-name").textContent = seed;
  $("#large-place").textContent = `${(all.indexOf(current) + 1).toLocaleString("en")} of ${all.length.toLocaleString("en")}`;
  $("#command").textContent = `${command} --seeds ${seed}`;
  drawCollect();
  if (!$("#large").open) $("#large").showModal();
  $("#large-name").focus();
}
function drawCollect() {
  const isIn = collected.has(current.dataset.seed);
  $("#collect").setAttribute("aria-pressed", isIn);
  $("#collect").textContent = isIn ? "Collected" : "Collect";
}

// Events: one listener each for the whole page

const actions = {
  undo,
  clear,
  copy: copyList,
  export: exportList,
  collect: () => toggle(current),
  help: () => $("#keys").showModal(),
  all: showAll,
};
function showAll() {
  $("#only").checked = false;
  filter();
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (actions[button.id]) return actions[button.id]();
  if (button.dataset.step) return step(+button.dataset.step);
  if (button.dataset.seed) {
    select(button);
    toggle(button);
  }
});
document.addEventListener("dblclick", (event) => {
  if (!event.target.closest("[role=option]")) return;
  before.splice(-2); // its two clicks collected and put back
  drawBar();
  showLarge();
});
const keys = {
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  ArrowDown: () => step($("#large").open ? 1 : columns()),
  ArrowUp: () => step($("#large").open ? -1 : -columns()),
  Home: () => go(seen()[0]),
  End: () => go(seen().at(-1)),
  " ": () => current.hidden || toggle(current),
  Enter: () => ($("#large").open ? $("#large").close() : current.hidden || showLarge()),
  "+": () => resize(24),
  "=": () => resize(24),
  "-": () => resize(-24),
  o: () => ($("#only").click(), go(current)),
  c: copyList,
  e: exportList,
  u: undo,
  "?": actions.help,
};
document.addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && event.key === "z";
  if ((event.ctrlKey || event.metaKey || event.altKey) && !isUndo) return;
  if (event.target.closest("input, textarea") || $("dialog[open]:not(#large)")) return;
  const button = event.target.closest("button");
  if (button && !button.dataset.seed && (event.key === "Enter" || event.key === " ")) return;
  const action = isUndo ? undo : keys[event.key] || (event.key.length === 1 && keys[event.key.toLowerCase()]);
  if (!action) return;
  event.preventDefault();
  action();
});
// A button is pressed by Space when the key is let go, which would undo what the key did.
document.addEventListener("keyup", (event) => {
  if (event.key === " " && event.target.closest("[role=option]")) event.preventDefault();
});
$("#size").addEventListener("input", applySize);
$("#only").addEventListener("change", filter);
$("form").addEventListener("submit", (event) => event.preventDefault());

$("form").hidden = false;
select(cards[0]);
collected.forEach((seed) => draw(bySeed.get(seed)));
applySize();
drawBar();
