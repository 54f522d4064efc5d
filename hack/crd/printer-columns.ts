/** A column of `kubectl get configmapsyncs`. */
interface PrinterColumn {
  /** kubectl shows it in capitals. */
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
}

export const PRINTER_COLUMNS: readonly PrinterColumn[] = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].status',
    description: 'Whether every target is in step with the source.',
  },
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    description: 'Why it is ready, or why not.',
    wide: true,
  },
  {
    name: 'Synced',
    type: 'string',
    jsonPath: '.status.summary',
    description: 'Targets in step with the source, and targets wanted.',
  },
  {
    name: 'Denied',
    type: 'integer',
    jsonPath: '.status.deniedTargets',
    description: 'Targets where the ServiceAccount lacks rights.',
  },
  {
    name: 'Source',
    type: 'string',
    jsonPath: '.spec.source.name',
    description: 'The ConfigMap that is copied.',
  },
  {
    name: 'ServiceAccount',
    type: 'string',
    jsonPath: '.spec.serviceAccount.name',
    description: 'The ServiceAccount under whose rights it is copied.',
    wide: true,
  },
  {
    name: 'Age',
    type: 'date',
    jsonPath: '.metadata.creationTimestamp',
    description: 'Time since the ConfigMapSync was created.',
  },
];
