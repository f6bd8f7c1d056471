// What the user decides lives in `steps`, in order; everything shown is worked out from it.
const cards = [...document.querySelectorAll("article")];
const byKey = new Map(cards.map((card) => [keyOf(card), card]));
const place = `adatune review: ${document.body.dataset.name} ${location.pathname}`;
let isStored = true;
let steps = kept(place, decisions); // [[[key, "keep" or "drop" or "" for as shown], ...], ...]
let decided = new Map();
let seen = cards; // the cards that no filter hides, in their order on the page

function keyOf(card) {
  return `${card.dataset.source} ${card.dataset.face}`;
}
function nameOf(card) {
  return $(".open", card).title;
}
function isKept(card) {
  return (decided.get(keyOf(card)) || card.dataset.shown) === "keep";
}
function isChanged(card) {
  return isKept(card) !== (card.dataset.shown === "keep");
}

// Decisions

function decisions(stored) {
  const isPair = (pair) => Array.isArray(pair) && byKey.has(pair[0]);
  return stored.map((step) => step.filter(isPair)).filter((step) => step.length);
}
function decide(card, keep) {
  if (card.hidden) return say("No photo is chosen: the filter hides them all.");
  const button = $(".toggle", card);
  if (button.disabled) return say(`${nameOf(card)}: ${button.title}`);
  if (isKept(card) === keep) return say(`${nameOf(card)} is ${keep ? "kept" : "dropped"} already.`);
  steps.push([[keyOf(card), keep ? "keep" : "drop"]]);
  say(`${nameOf(card)} will be ${keep ? "kept" : "dropped"}.`, true);
  update();
}
function undo() {
  const step = steps.pop();
  if (!step) return say("There is nothing to undo.");
  const card = byKey.get(step[0][0]);
  update();
  say(step.length > 1 ? "Your changes are back." : `Undone: ${nameOf(card)} is ${isKept(card) ? "kept" : "dropped"}.`, true);
  if (step.length === 1 && !card.hidden) go(card);
}
function startOver() {
  steps.push(cards.filter(isChanged).map((card) => [keyOf(card), ""]));
  update();
  say("All as the program had it. Undo brings your changes back.");
}
function update() {
  const before = decided;
  decided = new Map(steps.flat());
  const touched = new Set([...before.keys(), ...decided.keys()]);
  touched.forEach((key) => draw(byKey.get(key)));
  isStored = keep(place, steps);
  drawBar();
}

// Drawing

function draw(card) {
  const keep = isKept(card);
  card.classList.toggle("drop", !keep);
  card.classList.toggle("changed", isChanged(card));
  $(".toggle", card).setAttribute("aria-checked", keep);
  const words = isChanged(card) ? `, will be ${keep ? "kept" : "dropped"}` : "";
  card.setAttribute("aria-label", card.dataset.label + words);
  if (card === current && $("#large").open) drawDecision(card);
}
function drawBar() {
  const changed = cards.filter(isChanged);
  const keeps = changed.filter(isKept).length;
  $("#bar").hidden = !changed.length && !steps.length;
  $("#changes").textContent = `${changed.length} ${changed.length === 1 ? "change" : "changes"}`;
  $("#then").textContent = `${keeps} to keep, ${changed.length - keeps} to drop: ${cards.filter(isKept).length} of ${cards.length} kept`;
  if (!isStored) $("#next").textContent = "This browser forgets your changes with the page: export them first.";
}

// review.csv: the same escapes and quotes as adatune/prep/review.py writes

function reviewText() {
  const rows = cards.filter((card) => isKept(card) !== (card.dataset.judged === "keep"));
  rows.sort((a, b) => a.id.slice(1) - b.id.slice(1)); // in the manifest's order, whatever their groups
  return "source,face,decision\n" + rows.map(line).join("");
}
function line(card) {
  const unsafe = /[\p{Cc}\p{Cs}\\\u2028\u2029\ufeff]|^[=+@-]/gu;
  const code = (found) => (found === "\\" ? "\\\\" : `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const name = JSON.parse(card.dataset.source).replace(unsafe, code);
  const cell = /[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
  return `${cell},${card.dataset.face},${isKept(card) ? "keep" : "drop"}\n`;
}

function exportReview() {
  download("review.csv", reviewText());
}

// Finding and ordering

function filter() {
  const group = $("#group").value;
  const text = $("#text").value.trim().toLowerCase();
  const isWanted = (card) =>
    (!group || (group === "changed" ? isChanged(card) : card.dataset.group === group)) &&
    (!text || card.dataset.text.includes(text));
  cards.forEach((card) => (card.hidden = !isWanted(card)));
  for (const section of document.querySelectorAll("section")) {
    const count = section.querySelectorAll("article:not([hidden])").length;
    const total = section.querySelectorAll("article").length;
    section.hidden = !count;
    $("h2 span", section).textContent = count === total ? total : `${count} of ${total}`;
  }
  look();
}
function look() {
  seen = [...document.querySelectorAll("article:not([hidden])")];
  $("#nothing").hidden = seen.length > 0;
  if (!seen.includes(current)) select(seen[0] || cards[0]);
}
function sort() {
  const order = $("#order").value;
  const sign = $("#reverse").getAttribute("aria-pressed") === "true" ? -1 : 1;
  const place = new Map(cards.map((card, index) => [card, order ? weigh(card, order) : index]));
  for (const grid of document.querySelectorAll(".cards")) {
    const byPlace = (a, b) => {
      const [first, second] = [place.get(a), place.get(b)];
      return first === second ? 0 : first === null ? 1 : second === null ? -1 : sign * (first - second);
    };
    grid.append(...cards.filter((card) => card.parentNode === grid).sort(byPlace));
  }
  look();
}
function weigh(card, order) {
  // The worst first; null, for what was not measured, is last either way.
  if (order === "closest") {
    const shares = [...card.querySelectorAll("[data-share]")].map((score) => +score.dataset.share);
    return shares.length ? Math.abs(Math.log(Math.max(0.001, ...shares))) : null;
  }
  const score = $(`[data-score="${order}"]`, card);
  return score ? -score.dataset.worse : null;
}

// Moving

function step(by) {
  go(seen[seen.indexOf(current) + by]);
}
function rowStep(by) {
  const row = (card) => seen.filter((other) => other.parentNode === card.parentNode && other.offsetTop === card.offsetTop);
  const own = row(current);
  const beyond = by > 0 ? seen[seen.indexOf(own[own.length - 1]) + 1] : seen[seen.indexOf(own[0]) - 1];
  if (!beyond) return;
  const next = row(beyond);
  go(next[Math.min(own.indexOf(current), next.length - 1)]);
}
function groupStep(by) {
  const groups = [...new Set(seen.map((card) => card.parentNode))];
  const grid = groups[groups.indexOf(current.parentNode) + by];
  if (grid) goToTop(seen.find((card) => card.parentNode === grid));
}
function goToTop(card) {
  go(card);
  if (card && !$("#large").open) show(card.closest("section"));
}
function show(section) {
  // Again once the cards on the way have been laid out: until then their heights are guesses.
  section.scrollIntoView();
  requestAnimationFrame(() => requestAnimationFrame(() => section.scrollIntoView()));
}

// The large view

function showLarge(card) {
  const large = $("#large");
  select(card);
  $("#large-name").textContent = nameOf(card);
  $("#large-place").textContent = `${seen.indexOf(card) + 1} of ${seen.length}`;
  $(".large-pictures").replaceChildren(...[...$(".pictures", card).children].map((child) => child.cloneNode(true)));
  const facts = [$(".size", card), $(".tags", card)].filter(Boolean);
  $(".facts", large).replaceChildren(...facts.map((fact) => fact.cloneNode(true)));
  $(".meters", large).replaceChildren(...[...card.querySelectorAll(".scores li")].map(meter));
  drawDecision(card);
  if (!large.open) large.showModal();
  $("#large-name").focus();
}
function drawDecision(card) {
  const toggle = $(".toggle", card).cloneNode(true);
  toggle.tabIndex = 0;
  const note = document.createElement("p");
  note.textContent = toggle.disabled ? toggle.title : isChanged(card) ? `will be ${isKept(card) ? "kept" : "dropped"}` : "";
  const had = $(".decide").contains(document.activeElement);
  $(".decide").replaceChildren(toggle, note);
  $(".decide").classList.toggle("changed", isChanged(card));
  if (had) toggle.focus();
}
function meter(score) {
  const item = score.cloneNode(true);
  if (!score.dataset.limit) return item;
  const [limit, bar] = [document.createElement("small"), document.createElement("i")];
  limit.textContent = score.dataset.limit;
  $("b", item).before(limit);
  if (!score.dataset.share) return item;
  bar.style.setProperty("--share", `${Math.min(100, score.dataset.share * 66.6)}%`);
  item.append(bar);
  return item;
}

// Events: one listener each for the whole page

const actions = {
  undo,
  reset: startOver,
  copy: () => copy(reviewText(), "Copied. Paste it into a file named review.csv."),
  export: exportReview,
  help: () => $("#keys").showModal(),
  all: () => ($(".tools").reset(), filter(), sort()),
  reverse: () => {
    const button = $("#reverse");
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
    sort();
  },
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const card = event.target.closest("article");
  if (button && actions[button.id]) return actions[button.id]();
  if (button?.dataset.step) return step(+button.dataset.step);
  if (event.target.closest("a")) return followLink(event);
  if (button?.matches(".toggle")) {
    if (card) select(card);
    return decide(current, !isKept(current));
  }
  if (card && event.target.closest(".pictures, .open")) return showLarge(card);
  if (card) go(card);
});
function followLink(event) {
  const target = document.getElementById(event.target.closest("a").hash.slice(1));
  if (!target) return;
  event.preventDefault();
  if (target.hidden || !seen.some((card) => target.contains(card))) actions.all();
  $("#large").close();
  if (target.matches("article")) return go(target);
  goToTop(seen.find((card) => target.contains(card)));
}
const keys = {
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  ArrowDown: () => ($("#large").open ? step(1) : rowStep(1)),
  ArrowUp: () => ($("#large").open ? step(-1) : rowStep(-1)),
  l: () => step(1),
  j: () => step(-1),
  g: () => groupStep(1),
  G: () => groupStep(-1),
  Home: () => goToTop(seen[0]),
  End: () => go(seen[seen.length - 1]),
  k: () => decide(current, true),
  d: () => decide(current, false),
  " ": () => decide(current, !isKept(current)),
  u: undo,
  e: exportReview,
  "?": actions.help,
  "/": () => $("#text").focus(),
  Enter: () => ($("#large").open ? $("#large").close() : current.hidden || showLarge(current)),
};
document.addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && event.key === "z";
  const inField = event.target.closest("input, select, textarea");
  const onButton = event.target.closest("button, a") && (event.key === "Enter" || event.key === " ");
  const inOther = document.querySelector("dialog[open]:not(#large)");
  if (((event.ctrlKey || event.metaKey || event.altKey) && !isUndo) || inField || onButton || inOther) return;
  const action = isUndo ? undo : keys[event.key] || (event.key.length === 1 && !event.shiftKey && keys[event.key.toLowerCase()]);
  if (!action) return;
  event.preventDefault();
  action();
});
$(".tools").addEventListener("input", (event) => (event.target.id === "order" ? sort() : filter()));
$(".tools").addEventListener("submit", (event) => {
  event.preventDefault();
  go(seen[0]);
});
$("#text").addEventListener("keydown", (event) => event.key === "Escape" && go(current));

$(".tools").hidden = false;
if (cards.length) select(cards[0]);
update();
if (!cards.some(isChanged)) {
  steps = []; // the page was made again with the review applied
  update();
}
