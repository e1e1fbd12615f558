//! The install script, in order. All DDL is written by hand in `sql/base`, one file per family.

use pgrx::extension_sql_file;

extension_sql_file!("../sql/base/10_foundation.sql", name = "foundation", bootstrap);
extension_sql_file!("../sql/base/20_apis.sql", name = "apis", requires = ["foundation"]);
extension_sql_file!("../sql/base/21_identities.sql", name = "identities", requires = ["apis"]);
extension_sql_file!("../sql/base/22_access.sql", name = "access", requires = ["identities"]);
extension_sql_file!("../sql/base/23_keys.sql", name = "keys", requires = ["access"]);
extension_sql_file!("../sql/base/24_verify.sql", name = "verify", requires = ["keys"]);
extension_sql_file!("../sql/base/25_ratelimit.sql", name = "ratelimit", requires = ["verify"]);
extension_sql_file!("../sql/base/26_root_keys.sql", name = "root_keys", requires = ["ratelimit"]);
extension_sql_file!("../sql/base/27_recovery.sql", name = "recovery", requires = ["root_keys"]);
extension_sql_file!("../sql/base/28_workspace.sql", name = "workspace", requires = ["recovery"]);
extension_sql_file!("../sql/base/29_key_changes.sql", name = "key_changes", requires = ["workspace"]);
extension_sql_file!("../sql/base/29_counters.sql", name = "counters", requires = ["key_changes"]);
extension_sql_file!("../sql/base/29_principal.sql", name = "principal", requires = ["counters"]);
extension_sql_file!("../sql/base/29_requests.sql", name = "requests", requires = ["principal"]);
extension_sql_file!("../sql/base/29_explain.sql", name = "explain", requires = ["requests"]);
extension_sql_file!("../sql/base/29_web_request.sql", name = "web_request", requires = ["explain"]);
extension_sql_file!("../sql/base/30_analytics.sql", name = "analytics", requires = ["web_request"]);
extension_sql_file!("../sql/base/31_analytics_views.sql", name = "analytics_views", requires = ["analytics"]);
extension_sql_file!("../sql/base/32_maintenance.sql", name = "maintenance", requires = ["analytics_views"]);
extension_sql_file!(
    "../sql/base/33_analytics_query.sql",
    name = "analytics_query",
    requires = ["maintenance"]
);
extension_sql_file!("../sql/base/40_audit.sql", name = "audit", requires = ["analytics_query"]);
extension_sql_file!("../sql/base/41_metrics.sql", name = "metrics", requires = ["audit"]);
extension_sql_file!("../sql/base/42_leaks.sql", name = "leaks", requires = ["metrics"]);
extension_sql_file!("../sql/base/50_api.sql", name = "api", requires = ["leaks"]);
extension_sql_file!("../sql/base/80_grants.sql", name = "grants", requires = ["api"]);
extension_sql_file!("../sql/base/90_security.sql", name = "security", requires = ["grants"], finalize);
