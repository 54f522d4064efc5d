/** How OLM's console shows a field: https://github.com/openshift/console, x-descriptors of spec and status. */
const UI = 'urn:alm:descriptor:com.tectonic.ui:';

export const TEXT = `${UI}text`;
export const SWITCH = `${UI}booleanSwitch`;
export const ADVANCED = `${UI}advanced`;
export const CONFIG_MAP = 'urn:alm:descriptor:io.kubernetes:ConfigMap';
export const NAMESPACE = 'urn:alm:descriptor:io.kubernetes:Namespace';
export const SERVICE_ACCOUNT = 'urn:alm:descriptor:io.kubernetes:ServiceAccount';
export const CONDITIONS = 'urn:alm:descriptor:io.kubernetes.conditions';
export const STATUS_TEXT = 'urn:alm:descriptor:text';

export const choiceOf = (values: readonly string[]): string[] =>
  values.map((value) => `${UI}select:${value}`);
