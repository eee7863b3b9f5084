// Light, dark, or as the system says. A saved page may not be allowed to keep anything: then it forgets.
(function(S) {
"use strict";
const {$} = S;

function setTheme(theme, changed) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = theme === "dark" ? "Light" : "Dark";
  $("theme").setAttribute("aria-label", `Switch to ${theme === "dark" ? "light" : "dark"} colours`);
  changed();
}

// `changed` draws again what is painted and not styled.
S.startTheme = function(changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let kept = null;
  try {
    kept = localStorage.getItem("sluice-theme");
  } catch { /* not allowed here */
  }
  setTheme(kept === "dark" || kept === "light" ? kept : system.matches ? "dark" : "light", changed);
  system.addEventListener("change", () => {
    if (!kept) setTheme(system.matches ? "dark" : "light", changed);
  });
  $("theme").addEventListener("click", () => {
    kept = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("sluice-theme", kept);
    } catch { /* not allowed here */
    }
    setTheme(kept, changed);
  });
};

// A colour of the theme as three numbers, for what is painted.
S.colourOf = function(name) {
  const probe = S.h("span", {style: {color: `var(${name})`}});
  document.body.append(probe);
  const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
  probe.remove();
  return [r, g, b];
};
})(window.Sluice);
