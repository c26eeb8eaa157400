import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { keepFocus } from "@/lib/keepfocus";

const wait = () => new Promise((resolve) => setTimeout(resolve, 100));

describe("the focus", () => {
  let stop: () => void;
  beforeEach(() => {
    // happy-dom lays nothing out.
    Element.prototype.checkVisibility ??= () => true;
    vi.spyOn(Element.prototype, "checkVisibility").mockReturnValue(true);
    document.body.innerHTML = `
      <main id="content">
        <button id="opener">Open</button>
        <article aria-label="card"><button id="inside">Cancel</button></article>
      </main>
      <div id="dialog"><button id="yes">Yes</button></div>`;
    stop = keepFocus(document);
  });
  afterEach(() => {
    stop();
    document.body.innerHTML = "";
  });
  const focus = (id: string) => document.getElementById(id)?.focus();

  it("goes to what a button was in when the button goes", async () => {
    focus("inside");
    document.getElementById("inside")?.remove();
    await wait();
    expect(document.activeElement?.getAttribute("aria-label")).toBe("card");
  });

  it("goes back to what opened a dialog", async () => {
    focus("opener");
    focus("yes");
    document.getElementById("dialog")?.remove();
    await wait();
    expect(document.activeElement?.id).toBe("opener");
  });

  it("stays where somebody else moved it", async () => {
    focus("inside");
    document.getElementById("inside")?.remove();
    focus("opener");
    await wait();
    expect(document.activeElement?.id).toBe("opener");
  });

  it("goes nowhere once a person has pressed beside everything", async () => {
    focus("inside");
    document.getElementById("dialog")?.dispatchEvent(new Event("pointerdown", { bubbles: true }));
    document.getElementById("inside")?.remove();
    await wait();
    expect(document.activeElement).toBe(document.body);
  });
});
