// The words of a page without the app, in the viewer's language: of each element that names a message.
import { language } from "./language.js";

const words = (await language())?.early;
if (words) {
  for (const element of document.querySelectorAll("[data-say]")) {
    element.textContent = words[element.dataset.say] ?? element.textContent;
  }
  document.title = `${document.querySelector("h1").textContent} · Matinee`;
}
