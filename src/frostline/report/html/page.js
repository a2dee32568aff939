"use strict";
const words = new Intl.Collator("en", { numeric: true });

function worth(cell) {
  return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
}

// Numbers before words; what is empty comes last, whichever way.
function order(one, other, sign) {
  if (one === "" || other === "") return (one === "") - (other === "");
  const kinds = (typeof one === "string") - (typeof other === "string");
  return sign * (kinds || (typeof one === "string" ? words.compare(one, other) : one - other));
}

function sort(table, column) {
  const heads = table.tHead.rows[0].cells;
  const up = heads[column].getAttribute("aria-sort") !== "ascending";
  const rows = Array.from(table.tBodies[0].rows, (row) => [worth(row.cells[column]), row]);
  rows.sort((one, other) => order(one[0], other[0], up ? 1 : -1));
  const body = table.tBodies[0];
  body.remove(); // so that the page is laid out once, and not for each row
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
    document.getElementById("said").textContent = button.textContent + ".";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.append(button);
}
