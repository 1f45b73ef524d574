//! Cells as numbers and booleans.

use serde::de::Expected;

use crate::{
    decode::{
        cell::Cell,
        number::{self, Float, Integer, Unfit},
    },
    error::{DecodeError, Result},
    json::{digits::Number, lexer::Text},
    types::LogicalType,
};

impl<'t, 'de> Cell<'_, 't, 'de> {
    /// Reads a number, or a string that may hold one.
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
    pub(crate) fn integer(&mut self, wanted: &dyn Expected) -> Result<Integer> {
        let entered = self.enter(wanted)?;
        self.lex.peek()?;
        if let Some(value) = self.lex.small_integer() {
            Self::leave(self.lex, entered)?;
            return Ok(Integer::I64(value));
        }
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
    pub(crate) fn float<F: Float>(&mut self, wanted: &dyn Expected) -> Result<F> {
        let entered = self.enter(wanted)?;
        if matches!(self.lex.peek()?, b'-' | b'0'..=b'9') {
            let number = self.lex.number()?;
            let Some(value) = F::of(number) else {
                return Err(Numeral::Number(number).unfit(wanted, TOO_LARGE));
            };
            Self::leave(self.lex, entered)?;
            return Ok(value);
        }
        let numeral = self.numeral(wanted)?;
        let value = match &numeral {
            Numeral::Number(number) => F::of(*number),
            Numeral::Text(text) => number::float(text),
        };
        let value = value.ok_or_else(|| {
            let advice = match number::is_number(numeral.as_str()) {
                true => TOO_LARGE,
                false => Unfit::NotANumber.advice(),
            };
            numeral.unfit(wanted, advice)
        })?;
        Self::leave(self.lex, entered)?;
        Ok(value)
    }

    #[inline]
    pub(crate) fn boolean(&mut self, wanted: &dyn Expected) -> Result<bool> {
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
        let postgres = self.declared.logical == LogicalType::Boolean;
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
}

const TOO_LARGE: &str = "the number is too large for this float type: use `String`";

/// A number, or a string read as a number.
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
