use std::{
    borrow::Cow,
    fmt::{self, Display},
};

use reqwest::{
    RequestBuilder,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::{
    Serialize, Serializer,
    ser::{self, Error as _, Impossible},
};

use crate::error::CallError;

/// One query parameter, as generated code passes it to reqwest's `query`, alone or in
/// [`QueryParams`].
///
/// - a scalar, string, newtype or unit variant: `name=value`;
/// - `None` or a JSON null: nothing;
/// - a sequence: `name=value` for each element;
/// - a map: `name.key=value` for each entry.
///
/// Anything else, and a number that is not finite, is an error that names the parameter.
pub struct QueryParam<'a> {
    name: &'a str,
    value: &'a dyn Pairs,
}

impl<'a> QueryParam<'a> {
    /// Returns the parameter `name` with a value.
    pub fn new<T: Serialize>(name: &'a str, value: &'a T) -> Self {
        Self { name, value }
    }
}

impl fmt::Debug for QueryParam<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pairs = Vec::new();
        match self.value.split(self.name, &mut pairs) {
            Ok(()) => f.debug_tuple("QueryParam").field(&pairs).finish(),
            Err(Unfit(why)) => write!(f, "QueryParam({}: {why})", self.name),
        }
    }
}

impl Serialize for QueryParam<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(std::slice::from_ref(self), serializer)
    }
}

/// Query parameters that generated code passes to reqwest's `query` together, because each call of
/// it takes the URL apart and puts it together again. The order of the parameters is kept.
#[derive(Debug)]
pub struct QueryParams<'a>(pub &'a [QueryParam<'a>]);

impl Serialize for QueryParams<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0, serializer)
    }
}

fn serialize<S: Serializer>(
    parameters: &[QueryParam<'_>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut pairs = Vec::new();
    for QueryParam { name, value } in parameters {
        if let Err(Unfit(why)) = value.split(name, &mut pairs) {
            return Err(S::Error::custom(format!("query parameter {name}: {why}")));
        }
    }
    serializer.collect_seq(pairs)
}

/// A value of any type that may be a query parameter.
trait Pairs {
    /// Appends the pairs of the parameter `name`.
    fn split<'n>(
        &self,
        name: &'n str,
        pairs: &mut Vec<(Cow<'n, str>, String)>,
    ) -> Result<(), Unfit>;
}

impl<T: Serialize> Pairs for T {
    fn split<'n>(
        &self,
        name: &'n str,
        pairs: &mut Vec<(Cow<'n, str>, String)>,
    ) -> Result<(), Unfit> {
        self.serialize(Sink {
            name: name.into(),
            pairs,
            place: Place::Top,
        })
    }
}

/// Methods that generated code needs besides reqwest's own.
pub trait RequestBuilderExt<E> {
    /// Sets a body of the type `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    ///
    /// `body` is not a flat structure of names and values.
    fn form_urlencoded<T: Serialize + ?Sized>(
        self,
        body: &T,
    ) -> Result<RequestBuilder, CallError<E>>;
}

impl<E> RequestBuilderExt<E> for RequestBuilder {
    fn form_urlencoded<T: Serialize + ?Sized>(self, body: &T) -> Result<Self, CallError<E>> {
        let body = serde_urlencoded::to_string(body).map_err(|error| {
            CallError::invalid_request(format!("the body cannot be a form: {error}"))
        })?;
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        Ok(self.header(CONTENT_TYPE, form).body(body))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    Element,
    Entry,
}

/// Splits one value into pairs.
struct Sink<'p, 'n> {
    name: Cow<'n, str>,
    pairs: &'p mut Vec<(Cow<'n, str>, String)>,
    place: Place,
}

impl Sink<'_, '_> {
    fn put(self, value: impl Display) -> Result<(), Unfit> {
        self.pairs.push((self.name, value.to_string()));
        Ok(())
    }

    /// An absent value is not sent. An absent element is an error, since it would shift its
    /// neighbors.
    fn absent(self) -> Result<(), Unfit> {
        match self.place {
            Place::Top | Place::Entry => Ok(()),
            Place::Element => Err(unfit("an absent element")),
        }
    }

    fn only_at_top(&self, found: &str) -> Result<(), Unfit> {
        match self.place {
            Place::Top => Ok(()),
            Place::Element | Place::Entry => Err(unfit(&format!("a nested {found}"))),
        }
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method(self, value: $type) -> Result<(), Unfit> {
            self.put(value)
        })*
    };
}

impl<'p, 'n> Serializer for Sink<'p, 'n> {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = Elements<'p, 'n>;
    type SerializeTuple = Impossible<(), Unfit>;
    type SerializeTupleStruct = Impossible<(), Unfit>;
    type SerializeTupleVariant = Impossible<(), Unfit>;
    type SerializeMap = Entries<'p, 'n>;
    type SerializeStruct = Impossible<(), Unfit>;
    type SerializeStructVariant = Impossible<(), Unfit>;

    scalars! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128,
        serialize_char: char, serialize_str: &str,
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unfit> {
        match value.is_finite() {
            true => self.put(value),
            false => Err(unfit("a number that is not finite")),
        }
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unfit> {
        match value.is_finite() {
            true => self.put(value),
            false => Err(unfit("a number that is not finite")),
        }
    }

    fn serialize_none(self) -> Result<(), Unfit> {
        self.absent()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unfit> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unfit> {
        self.absent()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
    ) -> Result<(), Unfit> {
        self.put(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'p, 'n>, Unfit> {
        self.only_at_top("sequence")?;
        Ok(Elements(self))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'p, 'n>, Unfit> {
        self.only_at_top("map")?;
        Ok(Entries {
            sink: self,
            key: None,
        })
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unfit> {
        Err(unfit("bytes"))
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Unfit> {
        Err(unfit(&format!("the struct {name}")))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unfit> {
        Err(unfit(&format!("the enum {name} with content")))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unfit> {
        Err(unfit("a tuple"))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unfit> {
        Err(unfit(&format!("the struct {name}")))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unfit> {
        Err(unfit(&format!("the enum {name} with content")))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Unfit> {
        Err(unfit(&format!("the struct {name}")))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unfit> {
        Err(unfit(&format!("the enum {name} with content")))
    }
}

/// The elements of a sequence. Each repeats the name.
struct Elements<'p, 'n>(Sink<'p, 'n>);

impl ser::SerializeSeq for Elements<'_, '_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        value.serialize(Sink {
            name: self.0.name.clone(),
            pairs: self.0.pairs,
            place: Place::Element,
        })
    }

    fn end(self) -> Result<(), Unfit> {
        Ok(())
    }
}

/// A map's entries: `name.key` for each.
struct Entries<'p, 'n> {
    sink: Sink<'p, 'n>,
    key: Option<String>,
}

impl ser::SerializeMap for Entries<'_, '_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unfit> {
        let mut pairs = Vec::new();
        key.serialize(Sink {
            name: Cow::Borrowed(""),
            pairs: &mut pairs,
            place: Place::Element,
        })?;
        self.key = pairs.pop().map(|(_, key)| key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        let key = self
            .key
            .take()
            .ok_or_else(|| unfit("a value without a key"))?;
        value.serialize(Sink {
            name: format!("{}.{key}", self.sink.name).into(),
            pairs: self.sink.pairs,
            place: Place::Entry,
        })
    }

    fn end(self) -> Result<(), Unfit> {
        Ok(())
    }
}

/// The reason why a value cannot be a query parameter.
#[derive(Debug)]
struct Unfit(String);

fn unfit(found: &str) -> Unfit {
    Unfit(format!(
        "{found} cannot be sent; expected a scalar, a sequence of scalars or a map of scalars"
    ))
}

impl Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

impl ser::Error for Unfit {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    fn query<T: Serialize>(value: T) -> Result<String, CallError> {
        let request = reqwest::Client::new()
            .get("http://h/")
            .query(&QueryParam::new("p", &value))
            .build()?;
        Ok(request.url().query().unwrap_or_default().to_owned())
    }

    #[derive(Serialize)]
    struct Newtype(i64);

    #[derive(Serialize)]
    enum Unit {
        #[serde(rename = "a b")]
        One,
    }

    #[test]
    fn scalars() {
        assert_eq!(query(5).unwrap(), "p=5");
        assert_eq!(query(u128::MAX).unwrap(), format!("p={}", u128::MAX));
        assert_eq!(query(0.1).unwrap(), "p=0.1");
        assert_eq!(query(true).unwrap(), "p=true");
        assert_eq!(query('&').unwrap(), "p=%26");
        assert_eq!(query("a=b&c#ü").unwrap(), "p=a%3Db%26c%23%C3%BC");
        assert_eq!(query("").unwrap(), "p=");
        assert_eq!(query(Newtype(5)).unwrap(), "p=5");
        assert_eq!(query(Some(Some(5))).unwrap(), "p=5");
        assert_eq!(query(Unit::One).unwrap(), "p=a+b");
    }

    #[test]
    fn absent_parameters_are_not_sent() {
        assert_eq!(query(None::<i64>).unwrap(), "");
        assert_eq!(query(serde_json::Value::Null).unwrap(), "");
        assert_eq!(query(Vec::<i64>::new()).unwrap(), "");
        let url = reqwest::Client::new()
            .get("http://h/a")
            .query(&QueryParam::new("p", &None::<i64>))
            .build()
            .unwrap();
        assert_eq!(url.url().as_str(), "http://h/a");
    }

    #[test]
    fn sequences_and_maps() {
        assert_eq!(query(vec!["a", "b"]).unwrap(), "p=a&p=b");
        assert_eq!(query(Some(vec![Unit::One])).unwrap(), "p=a+b");
        let map = BTreeMap::from([("x y", Some("1")), ("z", None), ("&", Some("2"))]);
        assert_eq!(query(map).unwrap(), "p.%26=2&p.x+y=1");
        assert_eq!(query(BTreeMap::from([(7, 1.5)])).unwrap(), "p.7=1.5");
        // Alphabetical, so that the order does not depend on serde_json's `preserve_order`.
        let json = serde_json::json!({"n": 3, "wallet": "0x1"});
        assert_eq!(query(json).unwrap(), "p.n=3&p.wallet=0x1");
    }

    #[test]
    fn several_parameters_add_up() {
        let request = reqwest::Client::new()
            .get("http://h/")
            .query(&QueryParam::new("a", &Some(1)))
            .query(&QueryParam::new("b", &None::<i64>))
            .query(&QueryParam::new("c", &["x"].as_slice()))
            .build()
            .unwrap();
        assert_eq!(request.url().query(), Some("a=1&c=x"));
    }

    #[test]
    fn parameters_that_are_passed_together_are_the_same_as_one_after_the_other() {
        let map = BTreeMap::from([("k l", Some(1)), ("m", None)]);
        let url = |query: QueryParams<'_>| {
            let request = reqwest::Client::new().get("http://h/a").query(&query);
            let request = request.build().map_err(CallError::<()>::from);
            request.map(|request| request.url().to_string())
        };
        let together = url(QueryParams(&[
            QueryParam::new("z", &Some("&=")),
            QueryParam::new("none", &None::<i64>),
            QueryParam::new("list", &["x", "y z"].as_slice()),
            QueryParam::new("map", &map),
            QueryParam::new("a", &false),
        ]));
        assert_eq!(
            together.unwrap(),
            "http://h/a?z=%26%3D&list=x&list=y+z&map.k+l=1&a=false"
        );
        assert_eq!(url(QueryParams(&[])).unwrap(), "http://h/a");
        let absent = QueryParam::new("none", &None::<i64>);
        assert_eq!(url(QueryParams(&[absent])).unwrap(), "http://h/a");
        let flawed = url(QueryParams(&[
            QueryParam::new("good", &1),
            QueryParam::new("bad", &f64::NAN),
        ]));
        let shown = flawed.unwrap_err().to_string();
        assert!(
            shown.contains("query parameter bad: a number that"),
            "{shown}"
        );
    }

    #[test]
    fn debug_output_shows_the_pairs_or_the_flaw() {
        let shown = format!(
            "{:?}",
            QueryParams(&[QueryParam::new("a", &[1, 2].as_slice())])
        );
        assert!(shown.contains("(\"a\", \"1\"), (\"a\", \"2\")"), "{shown}");
        let shown = format!("{:?}", QueryParam::new("a", &f64::NAN));
        assert!(shown.contains("a: a number that is not finite"), "{shown}");
    }

    #[test]
    fn errors_name_the_query_parameter() {
        #[derive(Serialize)]
        struct Struct {
            field: i64,
        }
        #[derive(Serialize)]
        enum Content {
            New(i64),
            Tuple(i64, i64),
            Struct { field: i64 },
        }
        let shown = |result: Result<String, CallError>| result.unwrap_err().to_string();
        for (shown, found) in [
            (shown(query(Struct { field: 1 })), "the struct Struct"),
            (shown(query((1, 2))), "a tuple"),
            (
                shown(query(Content::New(1))),
                "the enum Content with content",
            ),
            (
                shown(query(Content::Tuple(1, 2))),
                "the enum Content with content",
            ),
            (
                shown(query(Content::Struct { field: 1 })),
                "the enum Content with content",
            ),
            (shown(query(vec![vec![1]])), "a nested sequence"),
            (shown(query(vec![None, Some(1)])), "an absent element"),
            (
                shown(query(BTreeMap::from([("a", vec![1])]))),
                "a nested sequence",
            ),
            (
                shown(query(vec![BTreeMap::from([("a", 1)])])),
                "a nested map",
            ),
            (shown(query(f64::NAN)), "a number that is not finite"),
            (shown(query(f32::INFINITY)), "a number that is not finite"),
        ] {
            let start =
                format!("invalid request: query parameter p: {found} cannot be sent; expected");
            assert!(shown.starts_with(&start), "{found}: {shown}");
        }
    }

    #[test]
    fn forms() {
        let builder = reqwest::Client::new().post("http://h/");
        let body = BTreeMap::from([("a", "1 2"), ("b", "&")]);
        let builder: Result<RequestBuilder, CallError> = builder.form_urlencoded(&body);
        let request = builder.unwrap().build().unwrap();
        assert_eq!(request.body().unwrap().as_bytes().unwrap(), b"a=1+2&b=%26");
        assert_eq!(
            request.headers()[CONTENT_TYPE],
            "application/x-www-form-urlencoded"
        );
        let builder = reqwest::Client::new().post("http://h/");
        let builder: Result<RequestBuilder, CallError> = builder.form_urlencoded(&5);
        let shown = builder.unwrap_err().to_string();
        assert!(shown.contains("the body cannot be a form"), "{shown}");
    }
}
