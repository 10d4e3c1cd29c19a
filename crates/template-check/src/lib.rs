//! Templates of Azure Resource Manager without Azure: [`expression`] gives the value of an expression,
//! [`evaluate`] deploys a template, and [`change`] breaks one on purpose.
//!
//! The results are those of Azure's own engine: `engine/` holds what that engine said, and the tests of
//! this crate compare.

pub mod change;
pub mod clouds;
pub mod evaluate;
pub mod expression;
pub mod look;
