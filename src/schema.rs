//! The install script, in order. All DDL is written by hand in `sql/base`.

use pgrx::extension_sql_file;

extension_sql_file!("../sql/base/10_types.sql", name = "types", bootstrap);
extension_sql_file!("../sql/base/20_tables.sql", name = "tables", requires = ["types"]);
extension_sql_file!("../sql/base/30_views.sql", name = "views", requires = ["tables"]);
extension_sql_file!("../sql/base/40_functions.sql", name = "functions", requires = ["views"]);
extension_sql_file!("../sql/base/90_security.sql", name = "security", requires = ["functions"], finalize);
