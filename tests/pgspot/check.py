"""pgspot, taught what this extension's scripts have and it does not know, and stricter in one thing."""

import re

from pgspot import cli, visitors

check_function = visitors.SQLVisitor.visit_CreateFunctionStmt
check_sql = visitors.visit_sql

# What statement triggers see of a statement's rows.
TRANSITION_TABLES = {"old_rows", "new_rows"}


def visit_function(self, ancestors, node):
    """A body that is SQL and no text (RETURN …, BEGIN ATOMIC) is bound where it stands, so its names are judged as the
    script's own; and then no search_path means anything to it."""
    if node.sql_body is None:
        check_function(self, ancestors, node)


def visit_sql(state, sql, toplevel=False):
    """The parser of PL/pgSQL knows no row types (`done unkey.maintenance;`), but records, which are used alike."""
    if toplevel:
        sql = re.sub(r"^(\s+[a-z_]+\s+)unkey\.\w+;", r"\1record;", sql, flags=re.M)
    check_sql(state, sql, toplevel)


def visit_relation(self, ancestors, node):
    """A pinned search_path still ends in pg_temp, where anybody may have a table of any name but those of pg_catalog."""
    known = self.extract_cte_names(ancestors) | TRANSITION_TABLES
    if not node.schemaname and node.relname not in known and not node.relname.startswith("pg_"):
        self.state.warn("PS017", node.relname)


visitors.SQLVisitor.visit_CreateFunctionStmt = visit_function
visitors.SQLVisitor.visit_RangeVar = visit_relation
visitors.visit_sql = cli.visit_sql = visit_sql
cli.run()
