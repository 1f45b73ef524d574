//! Parameters of the generated operations that select which rows to read.

use crate::Error;

/// A parameter as a generated builder holds it.
pub(crate) type Parameter = Result<Option<i64>, String>;

/// The value of a parameter that counts something.
pub(crate) fn count<T: TryFrom<i64>>(
    service: &'static str,
    name: &str,
    value: &Parameter,
) -> Result<Option<T>, Error> {
    let value = value
        .as_ref()
        .map_err(|message| Error::invalid(service, message))?;
    let count = value.map(|value| {
        T::try_from(value).map_err(|_| {
            let range = match value {
                ..0 => "at least 0".to_owned(),
                // Only `u32` is too small for some values of a parameter.
                _ => format!("at most {}", u32::MAX),
            };
            Error::invalid(service, format!("{name} is {value}; it must be {range}"))
        })
    });
    count.transpose()
}

/// Fails unless the operation reads from the first page.
pub(crate) fn first_page(
    service: &'static str,
    method: &str,
    page: &Parameter,
) -> Result<(), Error> {
    match count::<u64>(service, "page", page)? {
        None | Some(1) => Ok(()),
        Some(_) => {
            let message =
                format!("{method} begins with the first page; send() fetches a single one");
            Err(Error::invalid(service, message))
        }
    }
}
