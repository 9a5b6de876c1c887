"use strict";
// Marks images on the page, and saves the decisions as a file. Nothing is sent anywhere.
const data = JSON.parse(document.getElementById("data").textContent);
const decisions = new Map(Object.entries(data.decisions));
const fieldsets = [...document.querySelectorAll("fieldset[data-image]")];
let unsaved = false;

const MANY = 50; // classes; longer lists are filled when they are used

function fill(select) {
  if (select.options.length === data.classes.length) return;
  const chosen = select.value;
  select.replaceChildren(...data.classes.map((name, label) => new Option(name, label)));
  if (chosen !== "") select.value = chosen;
}

function select_label(select, label) {
  if (![...select.options].some((option) => option.value === String(label))) {
    select.append(new Option(data.classes[label], label));
  }
  select.value = String(label);
}

function show(fieldset) {
  const decision = decisions.get(data.images[fieldset.dataset.image][0]);
  const chosen = decision ? decision.decision : "";
  for (const radio of fieldset.querySelectorAll("input")) radio.checked = radio.value === chosen;
  if (chosen === "relabel") {
    select_label(fieldset.querySelector("select"), data.classes.indexOf(decision.label));
  }
  fieldset.closest(".image").classList.toggle("marked", chosen !== "");
}

function count() {
  const marked = decisions.size;
  const number = marked === 0 ? "No image is" : marked === 1 ? "1 image is" : `${marked} images are`;
  document.getElementById("count").textContent = `${number} marked.`;
}

function decide(fieldset) {
  const [file, sha256] = data.images[fieldset.dataset.image];
  const chosen = fieldset.querySelector("input:checked").value;
  if (chosen === "") {
    decisions.delete(file);
  } else if (chosen === "relabel") {
    const label = data.classes[fieldset.querySelector("select").value];
    decisions.set(file, { decision: chosen, sha256, label });
  } else {
    decisions.set(file, { decision: chosen, sha256 });
  }
  unsaved = true;
  // An image can be in several findings.
  for (const other of fieldsets) {
    if (other.dataset.image === fieldset.dataset.image) show(other);
  }
  count();
}

for (const fieldset of fieldsets) {
  const select = fieldset.querySelector("select");
  if (data.classes.length <= MANY) fill(select);
  for (const event of ["focus", "pointerdown"]) select.addEventListener(event, () => fill(select));
  select_label(select, fieldset.dataset.suggestion);
  select.addEventListener("change", () => {
    fieldset.querySelector("input[value=relabel]").checked = true;
    decide(fieldset);
  });
  for (const radio of fieldset.querySelectorAll("input")) {
    radio.addEventListener("change", () => decide(fieldset));
  }
  show(fieldset);
}
count();

document.getElementById("save").addEventListener("click", () => {
  const content = { version: data.version, images: Object.fromEntries(decisions) };
  const blob = new Blob([JSON.stringify(content, null, 1)], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = "decisions.json";
  link.click();
  URL.revokeObjectURL(link.href);
  unsaved = false;
});

addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});
