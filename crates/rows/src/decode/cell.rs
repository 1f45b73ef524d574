//! One value and its decoding. The Rust type and the declared type decide together.

use serde::de::{Deserializer, Expected, Visitor};

use crate::{
    decode::{enums, hooks, nested, number::Integer, tag},
    error::{DecodeError, Result},
    field::Form,
    json::lexer::Lexer,
    types::ColumnType,
};

/// A value that is not read yet.
pub(crate) struct Cell<'c, 't, 'de> {
    pub(crate) lex: &'c mut Lexer<'t, 'de>,
    pub(crate) declared: &'c ColumnType,
    /// The number of Optionals still around the value.
    pub(crate) optionals: u8,
    pub(crate) form: Form,
    /// Whether a `null` is a value that the service could not send.
    pub(crate) null_is_lost: bool,
}

/// The number of an Optional's lists that were entered and must be left again.
#[must_use]
pub(crate) struct Entered(u8);

impl<'c, 't, 'de> Cell<'c, 't, 'de> {
    #[inline]
    pub(crate) fn new(lex: &'c mut Lexer<'t, 'de>, declared: &'c ColumnType) -> Self {
        Self {
            lex,
            declared,
            optionals: declared.optionals,
            form: Form::AsDeclared,
            null_is_lost: false,
        }
    }

    /// Enters every Optional around the value. Yandex Query writes `[value]`, and `[]` for NULL.
    #[inline]
    pub(crate) fn enter(&mut self, wanted: &dyn Expected) -> Result<Entered> {
        match self.optionals {
            0 => Ok(Entered(0)),
            _ => self.enter_optional(wanted),
        }
    }

    fn enter_optional(&mut self, wanted: &dyn Expected) -> Result<Entered> {
        let mut entered = 0;
        while self.optionals > 0 {
            self.optionals -= 1;
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
    pub(crate) fn leave(lex: &mut Lexer<'_, '_>, entered: Entered) -> Result<()> {
        for _ in 0..entered.0 {
            if lex.next_item(&mut true, b']')? {
                return Err(lex.broken("an Optional holds more than one value"));
            }
        }
        Ok(())
    }

    /// Returns the error of a cell that does not fit the requested type.
    #[cold]
    pub(crate) fn unfit(&self, start: usize, wanted: &dyn Expected, advice: &str) -> DecodeError {
        let sent = self.lex.sent(start);
        if sent == "null" {
            return DecodeError::null(wanted);
        }
        DecodeError::cell(wanted, sent, advice)
    }

    /// Returns whether an Optional within the entered one is empty, at any level.
    #[cold]
    fn is_null_inside(&self) -> Result<bool> {
        let mut ahead = self.lex.clone();
        for _ in 1..self.optionals {
            if ahead.peek()? != b'[' {
                break;
            }
            ahead.open(b'[')?;
            if ahead.peek()? == b']' {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the inner value, then leaves the entered lists.
    pub(crate) fn finish<T>(
        self,
        entered: Entered,
        read: impl FnOnce(Cell<'_, 't, 'de>) -> Result<T>,
    ) -> Result<T> {
        let out = read(Cell {
            lex: &mut *self.lex,
            declared: self.declared,
            optionals: self.optionals,
            form: self.form,
            null_is_lost: false,
        })?;
        Self::leave(self.lex, entered)?;
        Ok(out)
    }
}

/// Returns whether a visitor builds an `Option` of an `Option`, which distinguishes the NULL of one
/// Optional from that of the other. Other types do not. serde does not tell, but the name of the
/// type does.
fn is_nested_option<T>() -> bool {
    std::any::type_name::<T>().starts_with("core::option::Option<core::option::Option<")
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
        if self.optionals == 0 {
            if self.lex.peek()? == b'n' {
                self.lex.word("null")?;
                return visitor.visit_none();
            }
            return visitor.visit_some(self);
        }
        let optionals = self.optionals - 1;
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
                if optionals > 0 && self.is_null_inside()? && !is_nested_option::<V::Value>() {
                    self.lex.skip()?;
                    Self::leave(self.lex, Entered(1))?;
                    return visitor.visit_none();
                }
                let out = visitor.visit_some(Cell {
                    lex: &mut *self.lex,
                    declared: self.declared,
                    optionals,
                    form: self.form,
                    null_is_lost: false,
                })?;
                Self::leave(self.lex, Entered(1))?;
                Ok(out)
            }
            _ => visitor.visit_some(Self { optionals, ..self }),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let start = self.lex.position();
        match &*self.lex.value()? {
            "null" => visitor.visit_unit(),
            "[]" if self.optionals > 0 => visitor.visit_unit(),
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
        if name == hooks::VALUE {
            return tag::visit(self, visitor);
        }
        if name == hooks::ROW {
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
        self.finish(entered, |cell| enums::visit(cell, visitor))
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.lex.ignore()?;
        visitor.visit_unit()
    }
}
