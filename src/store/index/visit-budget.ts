/** How many rows may still be looked at before the event loop gets its turn. */
export type VisitBudget = { visits: number };
