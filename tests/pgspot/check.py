"""pgspot, taught two things that this extension's scripts have and it does not know."""

from pglast.parser import ParseError
from pgspot import cli, visitors

check_function = visitors.SQLVisitor.visit_CreateFunctionStmt
check_plpgsql = visitors.visit_plpgsql


def visit_function(self, ancestors, node):
    """A body that is SQL and no text (RETURN …, BEGIN ATOMIC) is bound where it stands, so its names are judged as the
    script's own; and then no search_path means anything to it."""
    if node.sql_body is None:
        check_function(self, ancestors, node)


def visit_plpgsql(state, node):
    """The parser does not know row types (`done unkey.maintenance; done.drained := …`). Where search_path is pinned, every
    finding in a body would be ignored anyway; elsewhere a body has to be understood."""
    try:
        check_plpgsql(state, node)
    except ParseError:
        if not state.searchpath_secure:
            raise


visitors.SQLVisitor.visit_CreateFunctionStmt = visit_function
visitors.visit_plpgsql = visit_plpgsql
cli.run()
