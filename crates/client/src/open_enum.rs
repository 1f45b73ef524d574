use std::{fmt, marker::PhantomData};

use serde::{Deserializer, de};

/// A value of an [`open_enum!`](crate::open_enum) that this version does not know.
///
/// Only parsing creates one, and only from a text that is no known value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownValue(Box<str>);

impl UnknownValue {
    /// Returns the value as received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The methods of every [`open_enum!`](crate::open_enum).
pub trait OpenEnum: Sized + 'static {
    /// The texts of the known values, in the order they were declared.
    const VALUES: &'static [&'static str];

    /// Returns the known value at a position of [`VALUES`](Self::VALUES).
    #[doc(hidden)]
    fn at(position: usize) -> Option<Self>;

    /// Returns the variant for a value that this version does not know.
    #[doc(hidden)]
    fn unknown(value: UnknownValue) -> Self;

    /// Returns the text of the value, as sent and received.
    fn as_str(&self) -> &str;
}

/// Returns the value for a text.
pub fn parse<T: OpenEnum>(text: &str) -> T {
    T::VALUES
        .iter()
        .position(|known| *known == text)
        .and_then(T::at)
        .unwrap_or_else(|| T::unknown(UnknownValue(text.into())))
}

/// Decodes the value for a JSON string.
pub fn deserialize<'de, T: OpenEnum, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);

    impl<T: OpenEnum> de::Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            Ok(parse(text))
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
}

/// Defines a string enum that accepts unknown values.
///
/// ```
/// rowfeed_client::open_enum! {
///     /// The state of a job.
///     pub enum JobState {
///         /// Not begun.
///         Waiting = "waiting",
///         /// Over.
///         Done = "done",
///     }
/// }
///
/// assert_eq!(JobState::from("done"), JobState::Done);
/// let state: JobState = serde_json::from_str("\"paused\"")?;
/// assert!(state.is_unknown());
/// assert_eq!(state.as_str(), "paused");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// The enum is `#[non_exhaustive]` and has one more variant, `Unknown`, which keeps the text. Any
/// text converts into the enum. A known text never becomes `Unknown`, since only parsing creates
/// its [`UnknownValue`]. JSON and query parameters contain the plain string.
#[macro_export]
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A value that this version does not know.
            Unknown($crate::UnknownValue),
        }

        #[allow(deprecated)]
        impl $crate::OpenEnum for $name {
            const VALUES: &'static [&'static str] = &[$($text),+];

            fn at(position: usize) -> ::core::option::Option<Self> {
                const ALL: &[$name] = &[$($name::$variant),+];
                ALL.get(position).cloned()
            }

            fn unknown(value: $crate::UnknownValue) -> Self {
                Self::Unknown(value)
            }

            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(value) => value.as_str(),
                }
            }
        }

        impl $name {
            /// The texts of the known values.
            $vis const VALUES: &'static [&'static str] = <Self as $crate::OpenEnum>::VALUES;

            /// Returns the text of the value, as sent and received.
            #[must_use]
            $vis fn as_str(&self) -> &str {
                $crate::OpenEnum::as_str(self)
            }

            /// Returns whether this version knows the value.
            #[must_use]
            $vis fn is_known(&self) -> bool {
                !self.is_unknown()
            }

            /// Returns whether this version does not know the value.
            #[must_use]
            $vis fn is_unknown(&self) -> bool {
                ::core::matches!(self, Self::Unknown(_))
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = ::core::convert::Infallible;

            fn from_str(
                text: &str,
            ) -> ::core::result::Result<Self, ::core::convert::Infallible> {
                ::core::result::Result::Ok($crate::__private::parse(text))
            }
        }

        impl ::core::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                $crate::__private::parse(text)
            }
        }

        impl ::core::convert::From<&::std::string::String> for $name {
            fn from(text: &::std::string::String) -> Self {
                $crate::__private::parse(text)
            }
        }

        impl ::core::convert::From<::std::string::String> for $name {
            fn from(text: ::std::string::String) -> Self {
                $crate::__private::parse(&text)
            }
        }

        impl ::core::convert::From<&$name> for $name {
            fn from(value: &$name) -> Self {
                value.clone()
            }
        }

        impl ::core::cmp::PartialEq<str> for $name {
            fn eq(&self, text: &str) -> bool {
                self.as_str() == text
            }
        }

        impl ::core::cmp::PartialEq<&str> for $name {
            fn eq(&self, text: &&str) -> bool {
                self.as_str() == *text
            }
        }

        impl $crate::__private::serde::Serialize for $name {
            fn serialize<S: $crate::__private::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::__private::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::__private::deserialize(deserializer)
            }
        }

        $crate::__open_enum_schema!($name);
    };
}

#[cfg(feature = "schemars")]
#[doc(hidden)]
#[macro_export]
macro_rules! __open_enum_schema {
    ($name:ident) => {
        impl $crate::__private::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::string::String {
                ::core::stringify!($name).into()
            }

            fn json_schema(
                generator: &mut $crate::__private::schemars::r#gen::SchemaGenerator,
            ) -> $crate::__private::schemars::schema::Schema {
                <::std::string::String as $crate::__private::schemars::JsonSchema>::json_schema(
                    generator,
                )
            }
        }
    };
}

#[cfg(not(feature = "schemars"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __open_enum_schema {
    ($name:ident) => {};
}
