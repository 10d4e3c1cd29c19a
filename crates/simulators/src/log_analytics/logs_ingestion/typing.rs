//! The type of an expression in a transform: the service knows it when the rule is deployed, and
//! refuses a rule that does not fit.

use super::{
    transform::{Expression, Function},
    value::Type,
};

impl Expression {
    /// The type over a stream of these columns.
    pub(super) fn kind(&self, columns: &[(String, Type)]) -> Result<Type, String> {
        let expect = |expression: &Self, wanted: Type| match expression.kind(columns)? {
            kind if kind == wanted => Ok(()),
            kind => Err(format!("{wanted:?} was expected and not {kind:?}")),
        };
        match self {
            Self::Column(name) => {
                let mut columns = columns.iter();
                let found = columns.find(|(column, _)| column == name);
                found
                    .map(|(_, kind)| *kind)
                    .ok_or_else(|| format!("the stream declares no `{name}`"))
            }
            Self::Member(of, _) => expect(of, Type::Dynamic).map(|()| Type::Dynamic),
            Self::Text(_) => Ok(Type::String),
            Self::Days(_) => Ok(Type::TimeSpan),
            // Other types can be compared in that language; ours need these.
            Self::Less(left, right) => {
                expect(left, Type::DateTime)?;
                expect(right, Type::DateTime).map(|()| Type::Boolean)
            }
            Self::Equal(left, right) => {
                expect(left, Type::String)?;
                expect(right, Type::String).map(|()| Type::Boolean)
            }
            Self::In(of, _) => expect(of, Type::String).map(|()| Type::Boolean),
            Self::And(left, right) | Self::Or(left, right) => {
                expect(left, Type::Boolean)?;
                expect(right, Type::Boolean).map(|()| Type::Boolean)
            }
            Self::Call(function, arguments) => match (function, arguments.as_slice()) {
                (Function::Iif, [condition, yes, no]) => {
                    expect(condition, Type::Boolean)?;
                    let kind = yes.kind(columns)?;
                    expect(no, kind).map(|()| kind)
                }
                // Such a rule can be deployed, and is a mistake.
                (Function::IsNull, [of]) => match of.kind(columns)? {
                    Type::String => Err("a text is never null".to_owned()),
                    _ => Ok(Type::Boolean),
                },
                (Function::IsEmpty, [of]) => expect(of, Type::String).map(|()| Type::Boolean),
                (Function::ToLower, [of]) => expect(of, Type::String).map(|()| Type::String),
                (Function::Now, []) => Ok(Type::DateTime),
                (Function::Ago, [span]) => expect(span, Type::TimeSpan).map(|()| Type::DateTime),
                (Function::ToString, [of]) => of.kind(columns).map(|_| Type::String),
                (Function::ToDateTime, [of]) => match of.kind(columns)? {
                    Type::String | Type::Dynamic | Type::DateTime => Ok(Type::DateTime),
                    kind => Err(format!("{kind:?} is no time")),
                },
                _ => Err(format!(
                    "{function:?} does not take {} arguments",
                    arguments.len()
                )),
            },
        }
    }
}
