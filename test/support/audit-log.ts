export { AuditLog, type AuditEntry, type AuditFilter } from '../../hack/rig/audit-log.js';
