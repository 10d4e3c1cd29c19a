//! Every query is right for the official service, whatever tables and columns a workspace has.

use crate::{
    content::Kind,
    execution::{World, report},
};

/// A fuzzy union over a table that is not there: the reason why the parsers have one.
const FUZZY: &str = "KS205";

/// What the service objects to, with the query's name.
fn faults(world: World) -> Vec<String> {
    let mut found = Vec::new();
    for checked in report(world) {
        let place = &checked.query;
        for fault in checked
            .bound
            .faults
            .iter()
            .filter(|fault| fault.code != FUZZY)
        {
            found.push(format!("{place}: {} {}", fault.severity, fault.message));
        }
        // The service does not object to a name inside of a function that it cannot know.
        for column in checked
            .bound
            .columns
            .iter()
            .filter(|column| column.kind == "unknown")
        {
            found.push(format!("{place}: nothing says what {} is", column.name));
        }
        if checked.bound.columns.is_empty() {
            found.push(format!("{place}: has no columns"));
        }
    }
    found
}

#[test]
fn every_query_binds_where_all_columns_are_there() {
    assert_eq!(faults(World::Deployed), Vec::<String>::new());
}

#[test]
fn every_query_binds_where_only_columns_of_values_are_there() {
    assert_eq!(faults(World::Classic), Vec::<String>::new());
}

#[test]
fn every_query_binds_where_no_table_is_there() {
    assert_eq!(faults(World::Empty), Vec::<String>::new());
}

#[test]
fn parsers_have_the_same_columns_in_every_workspace() {
    let [deployed, classic, empty] = [World::Deployed, World::Classic, World::Empty].map(|world| {
        let parsers = report(world)
            .iter()
            .filter(|checked| checked.query.kind == Kind::Parser);
        parsers
            .map(|checked| &checked.bound.columns)
            .collect::<Vec<_>>()
    });
    assert!(!deployed.is_empty());
    assert_eq!(deployed, classic);
    assert_eq!(deployed, empty);
}
