use serde_json::Value;

/// The parameters of an operation, by name. Every generated builder of an operation implements it.
///
/// A position in a list is valid only for the parameters of its request. A service crate that
/// follows pages compares them before it resumes.
pub trait Parameters {
    /// Returns the path, query and header parameters in the order of the document, without the
    /// body. The value is `null` if a parameter is not set or was set to an invalid value.
    fn parameters(&self) -> Vec<(&'static str, Value)>;
}
