/** The dials as the server describes them, so that the page's own sliders show them here. */

import type { Option } from "@/api/types";
import type { Dial } from "@/lib/dials";

function share<Name extends string>(name: Name, label: string, description: string) {
  const option: Option & { name: Name } = {
    name,
    label,
    description,
    type: "number",
    kinds: ["image"],
    minimum: 0,
    maximum: 1,
  } as Option & { name: Name };
  return option;
}

export const dialOptions: (Option & { name: Dial })[] = [
  share("denoise", "Remove noise", "how much noise is removed"),
  share("dejpeg", "Repair compression", "how much of what JPEG did is repaired"),
  share("deblur", "Undo blur", "how much blur is undone; none by itself"),
];

export const vividOption = share(
  "vivid",
  "Faithful to vivid",
  "How much detail is invented: what is vivid is a guess.",
);
