// What is needed of two libraries to read a kubeconfig, by name, so that a bundler can leave out the rest: most of
// client-node is models of the API. Imported only where there is a file to read.
export { KubeConfig } from '@kubernetes/client-node';
export { parseDocument } from 'yaml';
