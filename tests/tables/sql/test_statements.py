"""Statements: one that reads is let through whatever it quotes; several, and others, are refused in one line."""

import pytest

from elman.errors import DataError
from elman.tables.sql.statements import check_statement

READS = [
    ("select 1", "sqlite"),
    ("SELECT a/b, c*d FROM t;", "postgresql"),
    (" -- x;y\n/* ; */ select ';', \"a;b\", [c;d], `e;f` from t;  -- end", "sqlite"),
    ("(select 1) union (select 2)", "postgresql"),
    (
        "/* a /* ; it's */ ; */ with t as (select 1) select E'it\\'s; ok', $$a;b$$, $x$ ; $$ $x$, 'c:\\' from a$b$c",
        "postgresql",
    ),
    ("select 'it\\'s; ok', 1--1, `a;b` # ;x", "mysql"),
    ("values (1)", "mssql"),
    ("table people", "postgresql"),
    ("select \"update\", 'delete' from t -- drop", "mssql"),
]

SEVERAL = [
    ("select 1; select 2", "sqlite"),
    ("select 1;; select 2", "sqlite"),
    ("select 'a\\'; delete from t; --'", "postgresql"),
    ("select 'a\\'; delete from t; --'", "sqlite"),
    ("select 1--1; delete from t", "mysql"),
    ("select 'a\\\\'; delete from t", "mysql"),
    ("select $a; delete from t; $", "postgresql"),
    ("select a$$; delete from t; $$", "postgresql"),
    ("select 1 /* /* */ ; */ ; delete from t", "postgresql"),
    ("select 1 /* /* */ ; delete from t */", "sqlite"),
    ("select [a; delete from t]", "postgresql"),
    ("select 'a\\'; drop table t; --'", "unknown"),
    ("select 'a\\'' ; drop table t; --'", "unknown"),
]

OTHERS = [
    ("", "sqlite", "got nothing"),
    ("-- select 1", "sqlite", "got nothing"),
    ("delete from t", "postgresql", "got delete"),
    ("explain analyze delete from t", "postgresql", "got explain"),
    ("call f()", "mysql", "got call"),
    ("select /*! 1 */", "mysql", "MySQL runs"),
    ("select 1 /*M! into outfile 'x' */", "mariadb", "MySQL runs"),
    ("with t as (select 1) delete from t", "mssql", "the word DELETE"),
    ("select 1 drop table t", "mssql", "the word DROP"),
    ("select * into copies from t", "redshift", "the word INTO"),
]


@pytest.mark.parametrize(("sql", "dialect"), READS)
def test_a_statement_that_reads_is_let_through(sql, dialect):
    check_statement(sql, dialect, "people")


@pytest.mark.parametrize(("sql", "dialect"), SEVERAL)
def test_several_statements_are_refused(sql, dialect):
    with pytest.raises(DataError, match="^people: expected one statement, got several"):
        check_statement(sql, dialect, "people")


@pytest.mark.parametrize(("sql", "dialect", "message"), OTHERS)
def test_a_statement_that_may_change_something_is_refused(sql, dialect, message):
    with pytest.raises(DataError, match=message) as refused:
        check_statement(sql, dialect, "people")
    assert "\n" not in str(refused.value)


def test_what_is_shown_of_a_statement_is_escaped():
    with pytest.raises(DataError, match=r"got abc…?$"):
        check_statement("abc\x1b[2J", "sqlite", "people")
