//! The evaluator does what the documentation of the query language says.
