import type { Run } from "@/api/types";
import { curvesOf, type Curve } from "@/lib/curves";
import { compact } from "@/lib/format";

export interface Chart {
  title: string;
  unit: string;
  curves: Curve[];
  logarithmic: boolean;
}

const NAMES: Record<string, string> = {
  loss: "training",
  val_loss: "validation",
  val_psnr: "validation",
  val_ssim: "validation",
  val_mse: "validation",
  val_accuracy: "validation",
  learning_rate: "learning rate",
};

/** "1.2 k of 8.0 k steps"; a run may continue beyond its recipe's steps. */
export function stepsOf({ step, steps }: Pick<Run, "step" | "steps">): string {
  return step <= steps ? `${compact(step)} of ${compact(steps)} steps` : `${compact(step)} steps`;
}

/** The columns of a log as charts, the most wanted first. */
export function chartsOf(run: Pick<Run, "columns">): Chart[] {
  const terms = Object.keys(run.columns).filter((name) => name.startsWith("loss_"));
  const wanted: { title: string; unit: string; names: string[]; logarithmic: boolean }[] = [
    { title: "PSNR", unit: "dB", names: ["val_psnr"], logarithmic: false },
    { title: "Loss", unit: "", names: ["loss", "val_loss"], logarithmic: true },
    { title: "SSIM", unit: "", names: ["val_ssim"], logarithmic: false },
    { title: "Mean squared error", unit: "", names: ["val_mse"], logarithmic: true },
    { title: "Accuracy", unit: "", names: ["val_accuracy"], logarithmic: false },
    { title: "Terms of the loss", unit: "", names: terms, logarithmic: true },
    { title: "Learning rate", unit: "", names: ["learning_rate"], logarithmic: true },
  ];
  return wanted
    .map(({ names, ...chart }) => ({
      ...chart,
      curves: curvesOf(run.columns, names).map((curve) => ({
        ...curve,
        name: NAMES[curve.name] ?? curve.name.replace(/^loss_/, ""),
      })),
    }))
    .filter(({ curves }) => curves.length > 0);
}

const isNumber = (value: unknown): value is number => typeof value === "number";

/** A paper's figures beside those reached. */
export function paperFigures(run: Run): { name: string; paper: number; reached: number | null }[] {
  const figures: unknown = run.paper["figures"];
  if (typeof figures !== "object" || figures === null) return [];
  return Object.entries(figures).flatMap(([name, value]: [string, unknown]) =>
    isNumber(value) ? [{ name, paper: value, reached: run.best[name] ?? null }] : [],
  );
}

/** The last measured rows of a log, newest first, without columns that are empty throughout. */
export function lastRows(
  columns: Run["columns"],
  count: number,
): { names: string[]; rows: (number | null)[][] } {
  const names = Object.keys(columns).filter((name) =>
    columns[name]?.some((value) => value !== null),
  );
  const length = Math.max(0, ...names.map((name) => columns[name]?.length ?? 0));
  const rows = Array.from({ length: Math.min(count, length) }, (_, index) =>
    names.map((name) => columns[name]?.[length - 1 - index] ?? null),
  );
  return { names, rows };
}
