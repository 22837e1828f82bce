#include "text/html_assets.h"

namespace pycircuit {
namespace {

// Selectors below the container, and their declarations.
constexpr std::string_view kRules[] = {
    "|display:block;padding:6px 8px;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;line-height:1.5;border-radius:4px;"
    "overflow:auto;direction:ltr;text-align:left",
    " pre|margin:0;white-space:pre;font:inherit;color:inherit;background:none",
    " .pc-bar|display:flex;gap:6px;align-items:center;flex-wrap:wrap;position:sticky;top:-6px;z-index:1;margin:-6px 0 2px;padding:6px "
    "0;background:inherit",
    " .pc-bar button, .pc-bar input|font:inherit;color:inherit;background:none;border:1px solid currentColor;border-radius:3px;padding:0 "
    "6px;opacity:.8",
    " .pc-bar button:hover, .pc-bar button:focus-visible, .pc-bar input:focus|opacity:1",
    " .pc-bar button|cursor:pointer",
    " .pc-bar input|width:16em",
    // Rows out of sight are neither laid out nor painted, which is what makes tens of thousands of them bearable.
    " .pc-row|position:relative;display:flex;align-items:baseline;white-space:pre;outline:none;border-radius:3px;content-visibility:auto;"
    "contain-intrinsic-block-size:auto 1.5em;scroll-margin-top:3em",
    " .pc-row[hidden]|display:none",
    " .pc-row:hover|background:rgba(128,128,128,.18)",
    " .pc-row:focus-visible|box-shadow:inset 0 0 0 2px currentColor",
    " .pc-guide|position:absolute;top:0;bottom:0;width:0;border-left:1px solid;opacity:.6",
    " .pc-caret|flex:none;width:1.2em;text-align:center;cursor:pointer;user-select:none",
    " .pc-caret.pc-inert|opacity:.35;cursor:default",
    " .pc-text|cursor:pointer;unicode-bidi:isolate",
    " .pc-text span|unicode-bidi:isolate",
    " .pc-name|font-weight:600",
    " .pc-note|opacity:.75",
    " .pc-same .pc-text|text-decoration:underline;font-weight:bold",
    " .pc-leaf|color:magenta",
    " .pc-more|cursor:pointer;opacity:.75",
    " .pc-copy|font:inherit;font-size:85%;line-height:1;margin-left:8px;padding:1px 4px;background:none;border:0;border-radius:3px;"
    "opacity:.2;cursor:pointer",
    " .pc-row:hover .pc-copy, .pc-row:focus .pc-copy|opacity:.7",
    " .pc-row .pc-copy:hover, .pc-row .pc-copy:focus|opacity:1;background:rgba(128,128,128,.3)",
};

}  // namespace

void append_style(std::string& out, std::string_view id) {
  for (const std::string_view rule : kRules) {
    const size_t bar = rule.find('|');
    std::string_view selectors = rule.substr(0, bar);
    // Every selector of a list gets the container in front.
    while (true) {
      const size_t comma = selectors.find(',');
      out += "#" + std::string(id) + std::string(selectors.substr(0, comma));
      if (comma == std::string_view::npos) break;
      out += ',';
      selectors.remove_prefix(comma + 1);
    }
    out += "{" + std::string(rule.substr(bar + 1)) + "}\n";
  }
}

const std::string_view kHtmlScript = R"js((function (id, data) {
"use strict";
const root = document.getElementById(id);
if (!root) return;
const NAME = 0, SHOWN = 1, INFO = 2, COLOR = 3, HASH = 4, KIDS = 5, OPEN = 6, TIP = 7, COMMENTS = 8, ROLES = 9, BINDINGS = 10;
const nodes = data.nodes, MAX_OPEN = 5000, MAX_SHOWN = 1000, MAX_INDENT = 40, STEP = 1.25;

// --- colours
function isColor(text) {
  return text.trim() !== "" && !/["']/.test(text) && !/var\(|env\(|attr\(/i.test(text) && !/^\s*(inherit|initial|unset|revert|revert-layer)\s*$/i.test(text) &&
    CSS.supports("color", text);
}
function rgbOf(color) {
  const probe = document.createElement("span");
  probe.style.color = color;
  root.appendChild(probe);
  const computed = getComputedStyle(probe).color, parts = computed.match(/[\d.]+/g);
  probe.remove();
  return computed.startsWith("rgb") && parts && parts.length >= 3 ? parts.slice(0, 3).map(Number) : null;
}
function luminance(rgb) {
  const [r, g, b] = rgb.map(c => { c /= 255; return c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4); });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
let current = null;
let primary = isColor(data.primary) ? data.primary : "lightgray";
const dark = luminance(rgbOf(primary) || [211, 211, 211]) >= 0.4;
const BACKGROUND = dark ? [22, 22, 22] : [255, 255, 255];
root.style.background = "rgb(" + BACKGROUND.join(",") + ")";
root.style.colorScheme = dark ? "dark" : "light";
function contrast(rgb) {
  const [low, high] = [luminance(rgb), luminance(BACKGROUND)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
// The colour, moved away from the background until text in it can be read.
function readable(color, least) {
  let rgb = rgbOf(color);
  if (!rgb || contrast(rgb) >= least) return color;
  const end = dark ? 255 : 0;
  while (contrast(rgb) < least) rgb = rgb.map(c => c + (end - c) * 0.06);
  return "rgb(" + rgb.map(Math.round).join(",") + ")";
}
primary = readable(primary, 4.5);
root.style.color = primary;
const colors = data.colors.map(text => isColor(text) ? text : primary), textColors = colors.map(color => readable(color, 3.5));
const colorOf = node => nodes[node][COLOR] < 0 ? primary : colors[nodes[node][COLOR]];
const textColorOf = node => nodes[node][COLOR] < 0 ? primary : textColors[nodes[node][COLOR]];

// --- rows: {node, parent, index, level, kids, open, repeat}, and the element where the row is shown. The elements are those of the first
// open rows in reading order; more are made when the end of the page comes into sight.
const rowsOf = nodes.map(() => []);
const make = (tag, cls, text) => {
  const el = document.createElement(tag);
  if (cls) el.className = cls;
  if (text !== undefined) el.textContent = text;
  return el;
};
const tree = make("div");
tree.setAttribute("role", "tree");
tree.setAttribute("aria-label", "circuit");
const shownName = node => nodes[node][NAME] === null ? "" : "'" + (nodes[node][SHOWN] || nodes[node][NAME]) + "'";
const canOpen = row => nodes[row.node][KIDS] !== 0 && nodes[row.node][KIDS].length > 0;
const roleOf = (parent, index) => parent !== null && nodes[parent][ROLES] ? nodes[parent][ROLES][index] : "";
const bindingOf = (parent, index) => parent !== null && nodes[parent][BINDINGS] ? nodes[parent][BINDINGS][index] : "";
function restOf(node, parent, index) {
  let text = nodes[node][INFO];
  if (nodes[node][KIDS] === 0) text += " ...";
  if (roleOf(parent, index)) text += " # " + roleOf(parent, index);
  return text;
}
const commentsOf = node => (nodes[node][COMMENTS] || []).filter(text => text !== "");

function makeRow(node, parent, index) {
  const row = { node, parent, index, level: parent ? parent.level + 1 : 1, kids: null, open: false, repeat: rowsOf[node].length > 0, el: null, number: null };
  rowsOf[node].push(row);
  return row;
}
function makeElement(row) {
  const { node, parent, index } = row;
  const el = make("div", "pc-row");
  row.el = el;
  const indent = Math.min(row.level - 1, MAX_INDENT);
  el.style.paddingLeft = indent * STEP + "em";
  let above = parent;
  for (let depth = indent - 1; depth >= 0 && above; --depth, above = above.parent) {
    const guide = make("span", "pc-guide");
    guide.style.left = (depth + 0.45) * STEP + "em";
    guide.style.borderColor = colorOf(above.node);
    el.appendChild(guide);
  }
  el.setAttribute("role", "treeitem");
  el.setAttribute("aria-level", row.level);
  el.setAttribute("data-hash", nodes[node][HASH]);
  if (nodes[node][NAME] !== null) el.setAttribute("data-name", nodes[node][NAME]);
  if (row.repeat) el.setAttribute("data-repeat", "");
  el.title = nodes[node][TIP];
  el.tabIndex = -1;
  el.style.color = colorOf(node);
  row.caret = make("span", "pc-caret" + (canOpen(row) ? "" : " pc-inert"), row.open ? "▾" : "▸");
  row.caret.style.color = primary;
  row.caret.setAttribute("aria-hidden", "true");
  el.appendChild(row.caret);
  if (canOpen(row)) el.setAttribute("aria-expanded", String(row.open));
  const text = make("span", "pc-text");
  const from = parent ? parent.node : null;
  if (indent < row.level - 1) el.insertBefore(make("span", "", "(" + row.level + ") "), row.caret.nextSibling);
  text.style.color = textColorOf(node);
  const add = (cls, piece) => { if (piece) text.appendChild(make("span", cls, piece)); };
  add("pc-name", shownName(node));
  add("", restOf(node, from, index));
  for (const comment of commentsOf(node)) add("pc-note", " # " + comment);
  add("", bindingOf(from, index));
  add("pc-note", row.repeat ? " (repeat)" : "");
  el.appendChild(text);
  if (data.leaves) {
    row.leaf = make("span", "pc-leaf");
    el.appendChild(row.leaf);
    showNumber(row);
  }
  if (data.copy) {
    const button = make("button", "pc-copy", "copy");
    button.type = "button";
    button.tabIndex = -1;
    button.style.color = primary;
    button.setAttribute("aria-label", "copy the name");
    el.appendChild(button);
    row.button = button;
  }
  el.pcRow = row;
  if (row === current) el.tabIndex = 0;
  return el;
}
function emphasise(row, on) {
  for (const other of rowsOf[row.node]) if (other !== row && other.el) other.el.classList.toggle("pc-same", on);
}
// One listener for all rows: what was hit is found from the target.
const rowAt = target => { const el = target instanceof Element && target.closest(".pc-row"); return el ? el.pcRow : null; };
tree.addEventListener("click", event => {
  const row = rowAt(event.target);
  if (!row) return;
  if (event.target.closest(".pc-copy")) return copyName(row);
  const onText = event.target.closest(".pc-text");
  if (!onText && !event.target.closest(".pc-caret") || onText && String(getSelection()) !== "") return;
  focusRow(row);
  toggle(row);
});
for (const [enter, leave] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
  const moved = (event, on) => {
    const row = rowAt(event.target);
    if (row && rowAt(event.relatedTarget) !== row) emphasise(row, on);
  };
  tree.addEventListener(enter, event => moved(event, true));
  tree.addEventListener(leave, event => moved(event, false));
}

// --- walking open rows in reading order
const roots = [];
const siblings = row => row.parent ? row.parent.kids : roots;
function lastBelow(row) {
  while (row.open && row.kids.length) row = row.kids[row.kids.length - 1];
  return row;
}
function following(row) {
  if (row.open && row.kids.length) return row.kids[0];
  while (row && row.index + 1 === siblings(row).length) row = row.parent;
  return row ? siblings(row)[row.index + 1] : null;
}
const preceding = row => row.index > 0 ? lastBelow(siblings(row)[row.index - 1]) : row.parent;
function eachVisible(visit) {
  for (let row = roots[0]; row; row = following(row)) visit(row);
}

// --- showing: `tail` is the last row that has an element
let tail = null;
const more = make("div", "pc-more");
more.addEventListener("click", () => show(MAX_SHOWN));
function showMore() {
  const last = lastBelow(roots[roots.length - 1]);
  more.textContent = tail === last ? "" : "more rows ...";
}
// Elements for up to `count` further rows.
function show(count) {
  if (!roots.length) return;
  const batch = document.createDocumentFragment();
  for (let row = tail ? following(tail) : roots[0]; row && count > 0; row = following(row), --count) {
    batch.appendChild(makeElement(row));
    tail = row;
  }
  tree.appendChild(batch);
  showMore();
}
// Calls `then` once the row has its element, without holding up the page.
function reach(row, then) {
  if (row.el) return then();
  show(MAX_SHOWN);
  setTimeout(() => reach(row, then));
}
// Takes the elements of the shown rows from `first` to `last` away.
function hide(first, last) {
  const range = document.createRange();
  range.setStartBefore(first.el);
  range.setEndAfter(last.el);
  range.deleteContents();
  for (let row = first; ; row = following(row)) {
    row.el = null;
    if (row === last) break;
  }
}
function setOpen(row, open) {
  if (!canOpen(row) || row.open === open) return;
  if (!row.el) {
    if (open) makeKids(row);
    row.open = open;
    return;
  }
  if (open) showBelow(row);
  else hideBelow(row);
  row.caret.textContent = open ? "▾" : "▸";
  row.el.setAttribute("aria-expanded", String(open));
  showMore();
}
function makeKids(row) {
  if (!row.kids) row.kids = nodes[row.node][KIDS].map((kid, i) => makeRow(kid, row, i));
}
function showBelow(row) {
  makeKids(row);
  const after = following(row);
  row.open = true;
  const below = [];
  for (let next = following(row); next && next !== after && below.length <= MAX_SHOWN; next = following(next)) below.push(next);
  if (below.length > MAX_SHOWN) {
    if (row !== tail) hide(after, tail);
    tail = row;
    return show(MAX_SHOWN);
  }
  const batch = document.createDocumentFragment();
  for (const next of below) batch.appendChild(makeElement(next));
  row.el.after(batch);
  if (row === tail && below.length) tail = below[below.length - 1];
}
function hideBelow(row) {
  const first = following(row), last = lastBelow(row);
  const shownLast = last.el ? last : tail;
  if (first.el) hide(first, shownLast);
  if (shownLast === tail) tail = row;
  row.open = false;
  if (current && !current.el) focusRow(row);
}
function toggle(row) {
  setOpen(row, !row.open);
  numberLeaves();
}
new IntersectionObserver(entries => {
  if (more.textContent && entries.some(entry => entry.isIntersecting)) show(MAX_SHOWN / 4);
}, { rootMargin: "600px", scrollMargin: "600px" }).observe(more);
function showNumber(row) {
  row.leaf.textContent = row.number === null ? "" : " # " + row.number;
  if (row.number === null) row.el.removeAttribute("data-leaf"); else row.el.setAttribute("data-leaf", row.number);
}
function numberLeaves() {
  if (!data.leaves) return;
  let next = 0;
  eachVisible(row => {
    const number = row.open ? null : next++;
    if (number === row.number) return;
    row.number = number;
    if (row.el) showNumber(row);
  });
}

// --- focus and keys
function focusRow(row, quietly) {
  if (current && current.el) current.el.tabIndex = -1;
  current = row;
  reach(row, () => {
    if (row !== current) return;
    row.el.tabIndex = 0;
    if (!quietly) row.el.focus();
  });
}
tree.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey || !current || event.target !== current.el) return;
  const row = current;
  let next = null;
  switch (event.key) {
    case "ArrowDown": next = following(row); break;
    case "ArrowUp": next = preceding(row); break;
    case "Home": next = roots[0]; break;
    case "End": next = lastBelow(roots[roots.length - 1]); break;
    case "ArrowRight":
      if (row.open) next = row.kids[0]; else { setOpen(row, true); numberLeaves(); }
      break;
    case "ArrowLeft":
      if (row.open) { setOpen(row, false); numberLeaves(); } else next = row.parent;
      break;
    case "Enter": case " ": toggle(row); break;
    case "c": case "C": copyName(row); break;
    default: return;
  }
  event.preventDefault();
  if (next) focusRow(next);
});

// --- copying
let messageTimer = 0;
const message = make("span", "pc-message");
message.setAttribute("role", "status");
function say(text) {
  message.textContent = text;
  clearTimeout(messageTimer);
  messageTimer = setTimeout(() => { message.textContent = ""; }, 4000);
}
function confirmCopy(row, text) {
  say(text);
  if (!row.button) return;
  row.button.textContent = text;
  setTimeout(() => { row.button.textContent = "copy"; }, 1500);
}
function copyByCommand(text) {
  const area = make("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  root.appendChild(area);
  area.select();
  let done = false;
  try { done = document.execCommand("copy"); } catch (error) { done = false; }
  area.remove();
  return done;
}
function copyName(row) {
  const name = nodes[row.node][NAME];
  if (name === null) return confirmCopy(row, "no name");
  const back = document.activeElement;
  const fall = () => {
    const done = copyByCommand(name);
    if (back && back.focus) back.focus();
    confirmCopy(row, done ? "copied" : "copying failed");
  };
  if (navigator.clipboard && navigator.clipboard.writeText) navigator.clipboard.writeText(name).then(() => confirmCopy(row, "copied"), fall);
  else fall();
}

// --- searching: nodes in reading order of their first place, with the path to it
let places = null;
function findPlaces() {
  if (places) return places;
  places = [];
  const seen = new Uint8Array(nodes.length), waiting = [];
  for (let i = data.roots.length; i-- > 0;) waiting.push([data.roots[i], -1, i]);
  while (waiting.length) {
    const [node, parent, index] = waiting.pop();
    if (seen[node]) continue;
    seen[node] = 1;
    const place = places.length;
    const from = parent < 0 ? null : places[parent].node;
    places.push({ node, parent, index, text: (shownName(node) + restOf(node, from, index) + commentsOf(node).map(c => " # " + c).join("") + bindingOf(from, index)).toLowerCase() });
    const kids = nodes[node][KIDS] || [];
    for (let i = kids.length; i-- > 0;) waiting.push([kids[i], place, i]);
  }
  return places;
}
let hit = -1;
function search(text, forward) {
  const wanted = text.toLowerCase(), all = findPlaces();
  if (!wanted) return;
  for (let step = 1; step <= all.length; ++step) {
    const at = (((hit + (forward ? step : -step)) % all.length) + all.length) % all.length;
    if (!all[at].text.includes(wanted)) continue;
    hit = at;
    const path = [];
    for (let place = at; place >= 0; place = all[place].parent) path.push(all[place]);
    let row = roots[path.pop().index];
    while (path.length) {
      setOpen(row, true);
      row = row.kids[path.pop().index];
    }
    numberLeaves();
    focusRow(row);
    return say("found");
  }
  say("not found");
}

// --- the bar
function openAll() {
  let count = 0, stopped = false;
  eachVisible(() => { ++count; });
  if (roots.length && tail) hide(roots[0], tail);
  tail = null;
  for (let row = roots[0]; row && !stopped; row = following(row)) {
    if (!canOpen(row) || row.open) continue;
    stopped = count + nodes[row.node][KIDS].length > MAX_OPEN;
    if (stopped) break;
    count += nodes[row.node][KIDS].length;
    setOpen(row, true);
  }
  show(MAX_SHOWN);
  numberLeaves();
  if (roots.length) focusRow(current, true);
  if (stopped) say("stopped at " + count + " rows");
}
function closeAll() {
  const open = [];
  eachVisible(row => { if (row.open) open.push(row); });
  if (roots.length && tail) hide(roots[0], tail);
  tail = null;
  while (open.length) setOpen(open.pop(), false);
  current = roots.length ? roots[0] : null;
  show(MAX_SHOWN);
  numberLeaves();
  if (roots.length) focusRow(roots[0], true);
}
const bar = make("div", "pc-bar");
const input = make("input");
input.type = "search";
input.placeholder = "search";
input.setAttribute("aria-label", "search in the circuit");
input.addEventListener("input", () => { hit = -1; });
input.addEventListener("keydown", event => {
  event.stopPropagation();
  if (event.key === "Enter") { event.preventDefault(); search(input.value, !event.shiftKey); }
});
const addButton = (text, label, act) => {
  const button = make("button", "", text);
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.addEventListener("click", act);
  bar.appendChild(button);
};
bar.appendChild(input);
addButton("↓", "next hit", () => search(input.value, true));
addButton("↑", "previous hit", () => search(input.value, false));
addButton("open all", "open all rows", openAll);
addButton("close all", "close all rows", closeAll);
bar.appendChild(message);

// --- the initial tree, repeats marked in reading order
root.textContent = "";
root.appendChild(bar);
root.appendChild(tree);
root.appendChild(more);
const startsOpen = row => nodes[row.node][OPEN] && !row.repeat && canOpen(row);
// Opens a row and what is open below it at the start, making rows in reading order so that the first row of a node is no repeat.
function openInOrder(top) {
  top.kids = [];
  const stack = [{ row: top, at: 0 }];
  while (stack.length) {
    const frame = stack[stack.length - 1], kids = nodes[frame.row.node][KIDS];
    if (frame.at === kids.length) {
      frame.row.open = true;
      stack.pop();
      continue;
    }
    const kid = makeRow(kids[frame.at], frame.row, frame.at);
    frame.at += 1;
    frame.row.kids.push(kid);
    if (startsOpen(kid)) {
      kid.kids = [];
      stack.push({ row: kid, at: 0 });
    }
  }
}
for (let i = 0; i < data.roots.length; ++i) {
  roots.push(makeRow(data.roots[i], null, i));
  if (startsOpen(roots[i])) openInOrder(roots[i]);
}
numberLeaves();
if (roots.length) current = roots[0];
show(MAX_SHOWN);
}))js";

}  // namespace pycircuit
