// What is needed of the library, by name: it is loaded only where no certificate is mounted.
export { generate } from 'selfsigned';
