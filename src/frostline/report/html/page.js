"use strict";
const words = new Intl.Collator("en", { numeric: true });

function sortKey(cell) {
  return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
}

// Numbers before words; empty cells are last in both directions.
function compare(first, second, sign) {
  if (first === "" || second === "") return (first === "") - (second === "");
  const kinds = (typeof first === "string") - (typeof second === "string");
  return sign * (kinds || (typeof first === "string" ? words.compare(first, second) : first - second));
}

function sort(table, column) {
  const heads = table.tHead.rows[0].cells;
  const up = heads[column].getAttribute("aria-sort") !== "ascending";
  const rows = Array.from(table.tBodies[0].rows, (row) => [sortKey(row.cells[column]), row]);
  rows.sort((a, b) => compare(a[0], b[0], up ? 1 : -1));
  const body = table.tBodies[0];
  body.remove(); // the layout is computed once instead of for each row
  body.append(...rows.map(([, row]) => row));
  table.append(body);
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", up ? "ascending" : "descending");
}

for (const table of document.querySelectorAll("table[data-sortable]")) {
  Array.from(table.tHead.rows[0].cells, (head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, column));
    head.append(button);
  });
}

function select(node) {
  const range = document.createRange();
  range.selectNodeContents(node);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return "Copied";
  } catch {
    select(code);
    return "Selected";
  }
}

for (const block of document.querySelectorAll(".command")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    button.textContent = await copy(block.querySelector("code"));
    document.getElementById("message").textContent = button.textContent + ".";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.append(button);
}
