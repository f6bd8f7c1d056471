"use strict";
// What every page of ours does in the same way. A page's own script follows and has `showLarge`.
const $ = (selector, within = document) => within.querySelector(selector);
let current; // the card that keys act on
let silence = 0;

// Keeping: a file:// page may be refused storage, and what is there may be another's.

function kept(place, read) {
  try {
    return read(JSON.parse(localStorage.getItem(place) || "[]"));
  } catch {
    return read([]);
  }
}
function keep(place, list) {
  try {
    if (list.length) localStorage.setItem(place, JSON.stringify(list));
    else localStorage.removeItem(place);
    return true;
  } catch {
    return false;
  }
}

// Saying and giving

function say(words, onlyAloud = false) {
  clearTimeout(silence);
  $("#said").textContent = words;
  $("#said").classList.toggle("shown", !onlyAloud);
  silence = setTimeout(() => $("#said").classList.remove("shown"), 4000);
}
function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: name.endsWith(".csv") ? "text/csv" : "text/plain" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  say(`${name} is in your downloads.`);
}
async function copy(text, words) {
  try {
    await navigator.clipboard.writeText(text);
    say(words);
  } catch {
    const area = $("#by-hand textarea");
    area.value = text;
    $("#by-hand").showModal();
    area.select();
  }
}

// Moving

function select(card) {
  if (current) current.tabIndex = -1;
  current = card;
  current.tabIndex = 0;
}
function go(card) {
  if (!card) return;
  select(card);
  if ($("#large").open) return showLarge(card);
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}
$("#large").addEventListener("close", () => go(current));
document.addEventListener("click", (event) => {
  if (event.target.matches("dialog")) return event.target.close(); // its backdrop
  event.target.closest("button.close")?.closest("dialog").close();
});
