import { metricsNamespace } from "../../aws/names.ts";
import type { DashboardDesired } from "./dashboard.ts";

interface Place {
  readonly stack: string;
  readonly region: string;
}

interface Graph {
  readonly title: string;
  /** Names of metrics, each with the statistics to show. */
  readonly lines: readonly (readonly [metric: string, ...statistics: readonly string[]])[];
  readonly least?: number;
}

const graphs: readonly Graph[] = [
  { title: "Requests a minute", lines: [["FailedRequests", "SampleCount", "Sum"]], least: 0 },
  {
    title: "Share of failures",
    lines: [
      ["FailedRequests", "Average"],
      ["FailedTries", "Average"],
    ],
    least: 0,
  },
  { title: "Response time in seconds", lines: [["ResponseTime", "p50", "p90", "p99"]], least: 0 },
  {
    title: "Memory and disk in percent",
    lines: [
      ["MemoryUsed", "Maximum"],
      ["DiskUsed", "Maximum"],
    ],
    least: 0,
  },
  { title: "Replicas brought back", lines: [["Restarts", "Sum"]], least: 0 },
  {
    title: "Serving, and days of the certificate",
    lines: [
      ["Serving", "Maximum"],
      ["CertificateDays", "Minimum"],
    ],
  },
];

const [width, height] = [12, 6];

/** Two graphs in each row, of 24 columns. */
export function dashboardBody({ stack, region }: Place): DashboardDesired["body"] {
  const namespace = metricsNamespace({ stack });
  const widgets = graphs.map(({ title, lines, least }, index) => ({
    type: "metric",
    x: (index % 2) * width,
    y: Math.floor(index / 2) * height,
    width,
    height,
    properties: {
      title,
      region,
      view: "timeSeries",
      period: 60,
      metrics: lines.flatMap(([metric, ...statistics]) =>
        statistics.map((stat) => [namespace, metric, { stat, label: `${metric} ${stat}` }]),
      ),
      ...(least === undefined ? {} : { yAxis: { left: { min: least } } }),
    },
  }));
  return { widgets };
}
