import { parse } from 'yaml';
import { z } from 'zod';

const alertRule = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook: z.string() }),
});

/** An alert rule of Prometheus as this project writes them: each says how bad it is, what it is and what to do. */
export type AlertRule = z.output<typeof alertRule>;

const rulesFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(alertRule) })),
});

/** The rules of a rules file, from its YAML text. Throws where one says too little. */
export function alertRulesIn(text: string): AlertRule[] {
  return rulesFile.parse(parse(text)).groups.flatMap(({ rules }) => rules);
}
