"use strict";

// Shows the words of an explanation and what comes next.
(() => {
  const main = document.getElementById("main");

  function add(parent, name, text) {
    const element = document.createElement(name);
    element.textContent = text;
    parent.append(element);
    return element;
  }

  function show(explanations) {
    main.replaceChildren();
    for (const explanation of explanations) {
      const { at, answer, probability } = explanation.connectivity;
      add(main, "h2", explanation.model.title);
      add(main, "p", explanation.text);
      add(main, "p", `after word ${at}: ${answer}, ${(100 * probability).toFixed(1)} %`);
    }
  }

  const data = document.getElementById("sluice-data").textContent;
  if (data) {
    show(JSON.parse(data).texts.flatMap((text) => text.explanations));
  } else {
    const form = add(main, "form", "");
    const input = form.appendChild(document.createElement("input"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const answer = await fetch("api/v1/explain", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ text: input.value }),
      });
      if (answer.ok) show((await answer.json()).explanations);
    });
  }
})();
