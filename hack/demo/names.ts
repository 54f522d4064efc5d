/** The names that tenant.yaml and sync.yaml give. */
export const TENANT = 'team-a';
export const SYNC = 'share-settings';
export const SOURCE = 'app-settings';
export const ALLOWED = 'foo';
export const DENIED = 'prod';
export const TENANT_USERNAME = 'system:serviceaccount:team-a:sharer';
