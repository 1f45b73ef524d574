//! A second implementation of each declared type: from the text of a JSON value to a [`Value`].

use std::{fmt, str::FromStr};

use base64::Engine as _;
use bigdecimal::{BigDecimal, ToPrimitive};
use rowfeed_rows::Value;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::table::{Kind, Service};

pub type Raw<'a> = &'a RawValue;

/// The members of an object, in their order.
pub struct Members<'a>(Vec<(String, Raw<'a>)>);

impl<'a> Members<'a> {
    pub fn of(raw: Raw<'a>) -> Vec<(String, Raw<'a>)> {
        serde_json::from_str::<Self>(raw.get()).unwrap().0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// The value that a cell of Lightdash wraps.
pub fn lightdash_raw(cell: Raw<'_>) -> Raw<'_> {
    let member = |object, name| {
        let members = Members::of(object).into_iter();
        members.rev().find(|(member, _)| member == name).unwrap().1
    };
    member(member(cell, "value"), "raw")
}

/// How a service writes values.
#[derive(Clone, Copy)]
pub struct Model {
    pub service: Service,
}

impl Model {
    pub fn value(self, declared: Option<&Kind>, raw: Raw<'_>) -> Value {
        let text = raw.get();
        if let Some(Kind::Optional(inner)) = declared {
            if text == "null" {
                return Value::Null;
            }
            let items: Vec<Raw<'_>> = serde_json::from_str(text).unwrap();
            return match items[..] {
                [] => Value::Null,
                [item] => self.value(Some(inner), item),
                _ => panic!("{text} is no Optional"),
            };
        }
        match text.as_bytes()[0] {
            b'n' => Value::Null,
            b't' | b'f' => Value::Boolean(text == "true"),
            b'"' => self.text(declared, serde_json::from_str(text).unwrap()),
            b'[' => self.list(declared, serde_json::from_str(text).unwrap()),
            b'{' => self.object(declared, Members::of(raw)),
            _ => self.number(declared, text),
        }
    }

    fn number(self, declared: Option<&Kind>, text: &str) -> Value {
        match declared {
            Some(Kind::Decimal) => Value::Decimal(text.to_owned()),
            Some(Kind::Float) => Value::Float(text.parse().unwrap()),
            Some(Kind::Number) if text.contains(['.', 'e', 'E']) => {
                Value::Float(text.parse().unwrap())
            }
            Some(Kind::Integer | Kind::Wide | Kind::Number) => integer_value(text),
            _ if text.contains(['.', 'e', 'E']) => Value::Decimal(text.to_owned()),
            _ => integer_value(text),
        }
    }

    fn text(self, declared: Option<&Kind>, text: String) -> Value {
        match declared {
            Some(Kind::Integer | Kind::Wide | Kind::Number) => integer_value(&text),
            Some(Kind::Decimal) => Value::Decimal(text),
            Some(Kind::Float) => Value::Float(text.parse().unwrap()),
            Some(Kind::Bytes) => Value::Bytes(match self.service {
                Service::YandexQuery => base64::engine::general_purpose::STANDARD
                    .decode(text)
                    .unwrap(),
                _ => {
                    let digits = text.strip_prefix("0x").unwrap().as_bytes().chunks(2);
                    let byte =
                        |two: &[u8]| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap();
                    digits.map(byte).collect()
                }
            }),
            Some(Kind::Date) => Value::Date(text),
            Some(Kind::Timestamp) => Value::Timestamp(timestamp(&text)),
            Some(Kind::Json) => Value::Json(text),
            _ => Value::Text(text),
        }
    }

    fn list(self, declared: Option<&Kind>, items: Vec<Raw<'_>>) -> Value {
        match declared {
            Some(Kind::Struct(fields)) => {
                assert_eq!(fields.len(), items.len());
                let members = fields.iter().zip(items);
                let members = members
                    .map(|((name, kind), item)| (name.clone(), self.value(Some(kind), item)));
                Value::Struct(members.collect())
            }
            Some(Kind::Map(kind)) => {
                let pair = |pair: Raw<'_>| {
                    let (key, value): (String, Raw<'_>) = serde_json::from_str(pair.get()).unwrap();
                    (Value::Text(key), self.value(Some(kind), value))
                };
                Value::Map(items.into_iter().map(pair).collect())
            }
            _ => {
                let kind = match declared {
                    Some(Kind::List(kind)) => Some(&**kind),
                    _ => None,
                };
                Value::List(
                    items
                        .into_iter()
                        .map(|item| self.value(kind, item))
                        .collect(),
                )
            }
        }
    }

    fn object(self, declared: Option<&Kind>, members: Vec<(String, Raw<'_>)>) -> Value {
        match declared {
            Some(Kind::Struct(fields)) => {
                let field = |(name, kind): &(String, Kind)| {
                    let (_, raw) = members.iter().find(|(member, _)| member == name).unwrap();
                    (name.clone(), self.value(Some(kind), raw))
                };
                Value::Struct(fields.iter().map(field).collect())
            }
            Some(Kind::Map(kind)) => {
                let members = members.into_iter();
                let pairs =
                    members.map(|(name, raw)| (Value::Text(name), self.value(Some(kind), raw)));
                Value::Map(pairs.collect())
            }
            _ => {
                let members = members.into_iter();
                let members = members.map(|(name, raw)| (name, self.value(None, raw)));
                Value::Struct(members.collect())
            }
        }
    }
}

/// An integer in any spelling, or its digits if it is wider than 127 bits.
fn integer_value(text: &str) -> Value {
    let number = BigDecimal::from_str(text).unwrap();
    match (number.is_integer(), number.to_i128()) {
        (true, Some(integer)) => Value::Integer(integer),
        _ => Value::Decimal(text.to_owned()),
    }
}

/// Returns the integer in a JSON text, if it is one or NULL.
pub fn integer(text: &str) -> Result<Option<i64>, ()> {
    if text == "null" {
        return Ok(None);
    }
    let digits = match text.starts_with('"') {
        true => serde_json::from_str(text).map_err(drop)?,
        false => text.to_owned(),
    };
    let number = BigDecimal::from_str(&digits).map_err(drop)?;
    match number.is_integer() {
        true => number.to_i64().map(Some).ok_or(()),
        false => Err(()),
    }
}

/// `2031-02-03 04:05:06.120 UTC` and `2031-02-03T04:05:06.12Z` as `2031-02-03T04:05:06.12+00:00`.
fn timestamp(text: &str) -> String {
    let text = text.replace(' ', "T");
    let text = text
        .strip_suffix("TUTC")
        .or(text.strip_suffix('Z'))
        .unwrap();
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    };
    format!("{text}+00:00")
}
