"""Databases are told to forbid changes, each in its own words; tests/tables/test_queries.py tries two of them."""

from types import SimpleNamespace

import pytest

from elman.tables.sql.databases import describe_error, forbid_changes, parse_url


class RecordedConnection:
    """A connection that only records what is sent.

    Args:
        dialect: its name.
        has_option: whether its driver itself forbids changes.
    """

    def __init__(self, dialect, *, has_option=True):
        self.dialect, self.sent, self._has_option = SimpleNamespace(name=dialect), [], has_option

    def exec_driver_sql(self, statement):
        self.sent.append(statement)

    def execution_options(self, **options):
        if not self._has_option:
            raise NotImplementedError
        self.sent.append(options)
        return self


@pytest.mark.parametrize(
    ("dialect", "has_option", "sent"),
    [
        ("mysql", True, ["SET SESSION TRANSACTION READ ONLY"]),
        ("mariadb", True, ["SET SESSION TRANSACTION READ ONLY"]),
        ("oracle", True, ["SET TRANSACTION READ ONLY"]),
        ("postgresql", True, [{"postgresql_readonly": True}]),
        ("postgresql", False, ["SET TRANSACTION READ ONLY"]),
        ("mssql", True, []),
    ],
)
def test_each_database_is_told_in_its_own_words(dialect, has_option, sent):
    connection = RecordedConnection(dialect, has_option=has_option)
    assert forbid_changes(connection) is connection and connection.sent == sent


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("server at 'db.bank' (10.0.0.7), port 5432 failed", "server at *** (***), port 5432 failed"),
        ("no route to fe80::1:2 for grete", "no route to *** for ***"),
        ('database "tresor" of Grete', "database *** of ***"),
        ("cannot open /var/lib/x.sock: denied\nsecond line", "cannot open *** denied"),
        ("disk I/O error", "disk I/O error"),
        ("passwort%2F is wrong, passwort/ too", "*** is wrong, *** too"),
        ("", "ValueError"),
    ],
)
def test_a_message_about_a_connection_has_no_names_and_addresses(message, shown):
    url = parse_url("postgresql+psycopg://grete:passwort%2F@db.bank/tresor")
    assert describe_error(ValueError(message), url, quotes=False) == shown


def test_a_message_about_a_query_keeps_what_it_quotes():
    url = parse_url("postgresql+psycopg://grete@db.bank/tresor")
    assert describe_error(ValueError('no column "nom" in tresor'), url) == 'no column "nom" in ***'
