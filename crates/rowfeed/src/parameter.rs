//! Parameters of the generated operations that say which rows to read.

use crate::Error;

/// A parameter as a generated builder holds it.
pub(crate) type Parameter = Result<Option<i64>, String>;

/// The value of a parameter that counts something.
pub(crate) fn count(
    service: &'static str,
    name: &str,
    value: &Parameter,
) -> Result<Option<u64>, Error> {
    let value = value
        .as_ref()
        .map_err(|message| Error::invalid(service, message))?;
    let count = value.map(|value| {
        u64::try_from(value).map_err(|_| {
            Error::invalid(service, format!("{name} is {value}; it must be at least 0"))
        })
    });
    count.transpose()
}

/// The size of a page that a parameter sets.
pub(crate) fn page_size(
    service: &'static str,
    name: &str,
    value: &Parameter,
) -> Result<Option<u32>, Error> {
    let size = count(service, name, value)?.map(|size| {
        u32::try_from(size).map_err(|_| {
            let most = u32::MAX;
            Error::invalid(
                service,
                format!("{name} is {size}; it must be at most {most}"),
            )
        })
    });
    size.transpose()
}

/// Fails unless the operation reads from the first page on.
pub(crate) fn first_page(
    service: &'static str,
    method: &str,
    page: &Parameter,
) -> Result<(), Error> {
    match page {
        Ok(None | Some(1)) => Ok(()),
        Ok(Some(_)) => {
            let message =
                format!("{method} begins with the first page; send() fetches a single one");
            Err(Error::invalid(service, message))
        }
        Err(message) => Err(Error::invalid(service, message)),
    }
}
