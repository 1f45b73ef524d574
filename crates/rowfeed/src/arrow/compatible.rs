//! Which Arrow types a declared type can be read as.

use arrow_schema::DataType;

use crate::decode::{Kind, OTHER};

/// Whether some value of this kind can become one of the Arrow type. Of a type that says nothing,
/// only the values can tell.
pub(super) fn is_compatible(data_type: &DataType, kind: &Kind) -> bool {
    use Kind::{
        Base64, Boolean, Choice, Date, Decimal, Dict, Float, Hex, Instant, Integer, Interval, Json,
        List, Map, Null, Number, Other, Struct, Text, Time, Timestamp, Tuple, Unknown, Variant,
    };
    if matches!(kind, Null | Unknown | Other) {
        return true;
    }
    match data_type {
        DataType::Null => *kind == Null,
        DataType::Boolean => matches!(kind, Boolean | Text | Json),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => {
            matches!(kind, Integer | Decimal | Float | Number | Text | Json)
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            matches!(kind, Text | Hex | Base64 | Json)
        }
        DataType::Date32 | DataType::Timestamp(..) => {
            matches!(kind, Date | Timestamp | Instant | Text)
        }
        DataType::Time64(_) => matches!(kind, Time | Text),
        DataType::Duration(_) | DataType::Interval(_) => matches!(kind, Interval | Text),
        DataType::List(_) => matches!(kind, List(_) | Dict(_) | Text | Json),
        DataType::Map(..) => matches!(kind, Map(_) | Dict(_) | Text | Json),
        DataType::Struct(_) => matches!(
            kind,
            Struct(_) | Tuple(_) | Variant(_) | Choice(_) | Text | Json
        ),
        _ => false,
    }
}

/// Whether text of this kind would leave a variant's value out.
pub(super) fn has_alternatives(kind: &Kind) -> bool {
    match kind {
        Kind::Variant(alternatives) => alternatives.iter().any(|(_, kind)| *kind != Kind::Null),
        Kind::Choice(_) => true,
        _ => false,
    }
}

/// Whether the values of this kind become structs.
pub(super) fn has_members(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Struct(_) | Kind::Tuple(_) | Kind::Variant(_) | Kind::Choice(_)
    )
}

/// The kinds of the keys and the values of a map.
pub(super) fn entry_kinds(kind: &Kind) -> (&Kind, &Kind) {
    match kind {
        Kind::Map(entry) => (&entry.0, &entry.1),
        Kind::Dict(pair) => match &**pair {
            Kind::Tuple(pair) => match &**pair {
                [key, value] => (key, value),
                _ => (&OTHER, &OTHER),
            },
            _ => (&OTHER, &OTHER),
        },
        _ => (&OTHER, &OTHER),
    }
}

/// What a member of a struct is read from.
pub(super) enum Member<'k> {
    Plain(&'k Kind),
    Alternative(&'k Kind),
    Missing,
}

/// The member at a place, with a name, of values of this kind.
pub(super) fn member_kind<'k>(kind: &'k Kind, place: usize, name: &str) -> Member<'k> {
    let named = |members: &'k [(Box<str>, Kind)]| {
        let found = members.iter().find(|(known, _)| **known == *name);
        found.map(|(_, kind)| kind)
    };
    match kind {
        Kind::Struct(members) => named(members).map_or(Member::Missing, Member::Plain),
        Kind::Tuple(kinds) => kinds.get(place).map_or(Member::Missing, Member::Plain),
        Kind::Variant(members) => named(members).map_or(Member::Missing, Member::Alternative),
        Kind::Choice(kinds) => {
            let index = name.parse::<usize>().ok();
            let kind = index.and_then(|index| kinds.get(index));
            kind.map_or(Member::Missing, Member::Alternative)
        }
        _ => Member::Plain(&OTHER),
    }
}
