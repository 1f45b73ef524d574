//! One value, and what it becomes: the type that is asked for and the type that was declared
//! decide together.

use serde::de::{Deserializer, Expected, Visitor};

use super::{
    bytes,
    enums::Alternatives,
    error::{DecodeError, Result},
    helper::{self, Form},
    instant::{self, Wish},
    kind::Kind,
    lexer::{Lexer, Number, Text},
    nested, row,
    number::{self, Float, Integer, Unfit},
    value,
};

/// A value that has not been read yet.
pub(super) struct Cell<'c, 't, 'de> {
    pub(super) lex: &'c mut Lexer<'t, 'de>,
    pub(super) kind: &'c Kind,
    pub(super) form: Form,
}

/// How many lists of an Optional were entered and have to be left again.
#[must_use]
pub(super) struct Entered(u8);

impl<'c, 't, 'de> Cell<'c, 't, 'de> {
    pub(super) fn new(lex: &'c mut Lexer<'t, 'de>, kind: &'c Kind) -> Self {
        Self {
            lex,
            kind,
            form: Form::AsDeclared,
        }
    }

    /// Goes through every Optional to the value. Yandex Query writes `[value]`, and `[]` for NULL.
    #[inline]
    pub(super) fn enter(&mut self, wanted: &dyn Expected) -> Result<Entered> {
        match self.kind {
            Kind::Optional(_) => self.enter_optional(wanted),
            _ => Ok(Entered(0)),
        }
    }

    fn enter_optional(&mut self, wanted: &dyn Expected) -> Result<Entered> {
        let mut entered = 0;
        while let Kind::Optional(inner) = self.kind {
            self.kind = inner;
            if self.lex.peek()? == b'[' {
                self.lex.open(b'[')?;
                if self.lex.peek()? == b']' {
                    return Err(DecodeError::null(wanted));
                }
                entered += 1;
            }
        }
        Ok(Entered(entered))
    }

    #[inline]
    pub(super) fn leave(lex: &mut Lexer<'_, '_>, entered: Entered) -> Result<()> {
        for _ in 0..entered.0 {
            if lex.next_item(&mut true, b']')? {
                return Err(lex.broken("an Optional holds more than one value"));
            }
        }
        Ok(())
    }

    /// The error for a cell that cannot become what is wanted.
    #[cold]
    pub(super) fn unfit(&self, start: usize, wanted: &dyn Expected, advice: &str) -> DecodeError {
        let sent = self.lex.sent(start);
        if sent == "null" {
            return DecodeError::null(wanted);
        }
        DecodeError::cell(wanted, sent, advice)
    }

    /// Takes a number, or a string that may hold one.
    #[inline]
    fn numeral(&mut self, wanted: &dyn Expected) -> Result<Numeral<'t, 'de>> {
        match self.lex.peek()? {
            b'-' | b'0'..=b'9' => self.lex.number().map(Numeral::Number),
            b'"' => {
                let quoted = self.lex.quoted()?;
                self.lex.text(quoted).map(Numeral::Text)
            }
            _ => {
                let advice = "this is not a number: change the field's type, or cast in the query";
                Err(self.unfit(self.lex.position(), wanted, advice))
            }
        }
    }

    #[inline]
    fn integer(&mut self, wanted: &dyn Expected) -> Result<Integer> {
        let entered = self.enter(wanted)?;
        let numeral = self.numeral(wanted)?;
        let value = match &numeral {
            Numeral::Number(number) => Integer::of(*number),
            Numeral::Text(text) => number::integer(text),
        };
        let value = value.map_err(|unfit| numeral.unfit(wanted, unfit.advice()))?;
        Self::leave(self.lex, entered)?;
        Ok(value)
    }

    #[inline]
    fn float<F: Float>(&mut self, wanted: &dyn Expected) -> Result<F> {
        let entered = self.enter(wanted)?;
        let numeral = self.numeral(wanted)?;
        let value = match &numeral {
            Numeral::Number(number) => F::of(*number),
            Numeral::Text(text) => number::float(text),
        };
        let value = value.ok_or_else(|| {
            let advice = match number::is_number(numeral.as_str()) {
                true => "the number is larger than this float type reaches: ask for `String`",
                false => Unfit::NotANumber.advice(),
            };
            numeral.unfit(wanted, advice)
        })?;
        Self::leave(self.lex, entered)?;
        Ok(value)
    }

    #[inline]
    fn boolean(&mut self, wanted: &dyn Expected) -> Result<bool> {
        let entered = self.enter(wanted)?;
        let value = match self.lex.peek()? {
            b't' => self.lex.word("true").map(|()| true),
            b'f' => self.lex.word("false").map(|()| false),
            _ => self.boolean_text(wanted),
        }?;
        Self::leave(self.lex, entered)?;
        Ok(value)
    }

    #[cold]
    fn boolean_text(&mut self, wanted: &dyn Expected) -> Result<bool> {
        let start = self.lex.position();
        let postgres = *self.kind == Kind::Boolean;
        match &*self.lex.value()? {
            "\"true\"" => Ok(true),
            "\"false\"" => Ok(false),
            "\"t\"" if postgres => Ok(true),
            "\"f\"" if postgres => Ok(false),
            _ => {
                let advice = "only true and false are booleans: change the field's type, or \
                              compare in the query";
                Err(self.unfit(start, wanted, advice))
            }
        }
    }

    /// Gives `visitor` the value as text: strings in normal form, all else as it was sent.
    #[inline]
    fn text<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let entered = self.enter(&visitor)?;
        let text = match self.lex.peek()? {
            b'"' => {
                let quoted = self.lex.quoted()?;
                self.lex.text(quoted)?
            }
            b'n' => return Err(self.unfit(self.lex.position(), &visitor, "")),
            b'[' => match Alternatives::of(self.kind) {
                Some(alternatives) => alternatives.unit_name(self.lex, &visitor)?,
                None => self.lex.value()?,
            },
            b'{' => self.lex.value()?,
            _ => {
                let text = self.lex.value()?;
                Self::leave(self.lex, entered)?;
                return visit_text(text, visitor);
            }
        };
        Self::leave(self.lex, entered)?;
        visit_normal(text, self.kind, self.form, visitor)
    }

    fn bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let entered = self.enter(&visitor)?;
        let start = self.lex.position();
        let out = match self.lex.peek()? {
            b'"' => {
                let quoted = self.lex.quoted()?;
                let text = self.lex.text(quoted)?;
                match bytes::decode(&text, self.kind) {
                    Ok(Some(bytes)) => visitor.visit_byte_buf(bytes),
                    Ok(None) => match text {
                        Text::Lent(text) => visitor.visit_borrowed_bytes(text.as_bytes()),
                        text => visitor.visit_bytes(text.as_bytes()),
                    },
                    Err(advice) => Err(self.unfit(start, &visitor, advice)),
                }
            }
            b'[' => {
                let list = Cell::new(self.lex, self.kind);
                let bytes: Vec<u8> = serde::Deserialize::deserialize(list)?;
                visitor.visit_byte_buf(bytes)
            }
            _ => Err(self.unfit(start, &visitor, "only text and lists of bytes can be bytes")),
        }?;
        Self::leave(self.lex, entered)?;
        Ok(out)
    }

    /// Nobody says what is wanted (flattened fields, untagged enums, `serde_json::Value`):
    /// the declared type decides alone.
    fn any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if let Kind::Optional(_) = self.kind {
            let null = {
                let mut ahead = self.lex.clone();
                ahead.peek()? == b'[' && ahead.expect(b'[').is_ok() && ahead.peek()? == b']'
            };
            if null {
                self.lex.skip()?;
                return visitor.visit_unit();
            }
        }
        let entered = self.enter(&visitor)?;
        let out = match self.lex.peek()? {
            b'{' => return self.finish(entered, |cell| nested::map(cell, visitor, false)),
            b'[' => {
                let named = matches!(self.kind, Kind::Dict(_) | Kind::Variant(_) | Kind::Choice(_));
                return self.finish(entered, |cell| match named {
                    true => nested::map(cell, visitor, false),
                    false => nested::seq(cell, visitor),
                });
            }
            b'"' => {
                let quoted = self.lex.quoted()?;
                let text = self.lex.text(quoted)?;
                self.any_text(text, visitor)
            }
            b'n' => {
                self.lex.word("null")?;
                visitor.visit_unit()
            }
            b't' => {
                self.lex.word("true")?;
                visitor.visit_bool(true)
            }
            b'f' => {
                self.lex.word("false")?;
                visitor.visit_bool(false)
            }
            _ => {
                let number = self.lex.number()?;
                let text = Text::Short(number.text);
                match self.kind {
                    Kind::Decimal => visit_text(text, visitor),
                    Kind::Float => any_float(text, visitor),
                    Kind::Integer => any_integer(text, visitor),
                    _ if number.whole => any_integer(text, visitor),
                    _ => any_float(text, visitor),
                }
            }
        }?;
        Self::leave(self.lex, entered)?;
        Ok(out)
    }

    fn any_text<V: Visitor<'de>>(&self, text: Text<'t, 'de>, visitor: V) -> Result<V::Value> {
        match self.kind {
            Kind::Integer | Kind::Number => any_integer(text, visitor),
            Kind::Float => any_float(text, visitor),
            Kind::Boolean if matches!(&*text, "true" | "t") => visitor.visit_bool(true),
            Kind::Boolean if matches!(&*text, "false" | "f") => visitor.visit_bool(false),
            _ => visit_normal(text, self.kind, self.form, visitor),
        }
    }

    /// Reads the value inside, then leaves what was entered.
    pub(super) fn finish<T>(
        self,
        entered: Entered,
        read: impl FnOnce(Cell<'_, 't, 'de>) -> Result<T>,
    ) -> Result<T> {
        let out = read(Cell {
            lex: &mut *self.lex,
            kind: self.kind,
            form: self.form,
        })?;
        Self::leave(self.lex, entered)?;
        Ok(out)
    }
}

/// A number, or a string where a number is wanted.
enum Numeral<'t, 'de> {
    Number(Number<'t>),
    Text(Text<'t, 'de>),
}

impl Numeral<'_, '_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Number(number) => number.text,
            Self::Text(text) => text,
        }
    }

    #[cold]
    fn unfit(&self, wanted: &dyn Expected, advice: &str) -> DecodeError {
        match self {
            Self::Number(number) => DecodeError::cell(wanted, number.text, advice),
            Self::Text(text) => DecodeError::cell(wanted, &format!("{:?}", &**text), advice),
        }
    }
}

/// Text as an error shows it.
fn quote(text: &str) -> String {
    format!("{text:?}")
}

fn any_integer<'de, V: Visitor<'de>>(digits: Text<'_, 'de>, visitor: V) -> Result<V::Value> {
    match number::integer(&digits) {
        Ok(Integer::I64(value)) => visitor.visit_i64(value),
        Ok(Integer::U64(value)) => visitor.visit_u64(value),
        // serde has no wider integers here: the digits are what keeps the value.
        _ => visit_text(digits, visitor),
    }
}

fn any_float<'de, V: Visitor<'de>>(digits: Text<'_, 'de>, visitor: V) -> Result<V::Value> {
    match number::float(&digits) {
        Some(value) => visitor.visit_f64(value),
        None => visit_text(digits, visitor),
    }
}

pub(super) fn visit_text<'de, V: Visitor<'de>>(
    text: Text<'_, 'de>,
    visitor: V,
) -> Result<V::Value> {
    match text {
        Text::Lent(text) => visitor.visit_borrowed_str(text),
        Text::Short(text) => visitor.visit_str(text),
        Text::Owned(text) => visitor.visit_string(text),
    }
}

/// Gives `visitor` a string of this kind in its normal form.
#[inline]
fn visit_normal<'de, V: Visitor<'de>>(
    text: Text<'_, 'de>,
    kind: &Kind,
    form: Form,
    visitor: V,
) -> Result<V::Value> {
    let wish = match (form, kind) {
        (Form::Utf8, _) => {
            return match helper::utf8_text(&text, kind) {
                Ok(Some(text)) => visitor.visit_string(text),
                Ok(None) => visit_text(text, visitor),
                Err(advice) => Err(DecodeError::cell(&visitor, &quote(&text), advice)),
            };
        }
        (Form::AssumeUtc, _) => Wish::Instant,
        (Form::Date, _) => Wish::Date,
        (Form::Civil, _) => Wish::Civil,
        (_, Kind::Instant) => Wish::Instant,
        (_, Kind::Timestamp) => Wish::Timestamp,
        (_, Kind::Date) => Wish::Date,
        (_, Kind::Unknown) => Wish::Guess,
        (_, Kind::Time) => {
            let text = match text {
                Text::Lent(text) => Text::Lent(instant::time(text)),
                Text::Short(text) => Text::Short(instant::time(text)),
                Text::Owned(text) => Text::Owned(instant::time(&text).to_owned()),
            };
            return visit_text(text, visitor);
        }
        _ => return visit_text(text, visitor),
    };
    match instant::normal(&text, wish) {
        Some(normal) => visitor.visit_str(normal.as_str()),
        None => visit_text(text, visitor),
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
            match self.integer(&visitor)? {
                Integer::I64(value) => visitor.visit_i64(value),
                Integer::U64(value) => visitor.visit_u64(value),
                Integer::I128(value) => visitor.visit_i128(value),
                Integer::U128(value) => visitor.visit_u128(value),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Cell<'_, '_, 'de> {
    type Error = DecodeError;

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.any(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let value = self.boolean(&visitor)?;
        visitor.visit_bool(value)
    }

    fn deserialize_f32<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let value = self.float(&visitor)?;
        visitor.visit_f32(value)
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let value = self.float(&visitor)?;
        visitor.visit_f64(value)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(visitor)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(visitor)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(visitor)
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.bytes(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let Kind::Optional(inner) = self.kind else {
            if self.lex.peek()? == b'n' {
                self.lex.word("null")?;
                return visitor.visit_none();
            }
            return visitor.visit_some(self);
        };
        match self.lex.peek()? {
            b'n' => {
                self.lex.word("null")?;
                visitor.visit_none()
            }
            b'[' => {
                self.lex.open(b'[')?;
                let mut first = true;
                if !self.lex.next_item(&mut first, b']')? {
                    return visitor.visit_none();
                }
                let out = visitor.visit_some(Cell {
                    lex: &mut *self.lex,
                    kind: inner,
                    form: self.form,
                })?;
                Self::leave(self.lex, Entered(1))?;
                Ok(out)
            }
            _ => visitor.visit_some(Self {
                kind: inner,
                ..self
            }),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.lex.position();
        match &*self.lex.value()? {
            "null" | "[]" => visitor.visit_unit(),
            _ => Err(self.unfit(start, &visitor, "only NULL fits: give the field a type")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        if name == value::HOOK {
            return value::visit(self, visitor);
        }
        if name == row::HOOK {
            return nested::in_type_order_by_name(self, visitor);
        }
        let form = Form::named(name).unwrap_or(self.form);
        visitor.visit_newtype_struct(Self { form, ..self })
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let entered = self.enter(&visitor)?;
        self.finish(entered, |cell| nested::seq(cell, visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let entered = self.enter(&visitor)?;
        self.finish(entered, |cell| nested::map(cell, visitor, false))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let entered = self.enter(&visitor)?;
        self.finish(entered, |cell| nested::map(cell, visitor, true))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let entered = self.enter(&visitor)?;
        self.finish(entered, |cell| super::enums::visit(cell, visitor))
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.lex.skip()?;
        visitor.visit_unit()
    }
}
