/// One of the emulated services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Service {
    /// Dune, below `/dune/api`.
    Dune,
    /// Lightdash, below `/lightdash`.
    Lightdash,
    /// Yandex Query, below `/yandex-query/api/fq/v1`.
    YandexQuery,
}

impl Service {
    pub(crate) const ALL: [Self; 3] = [Self::Dune, Self::Lightdash, Self::YandexQuery];

    /// The first path segment, which selects the service.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Dune => "/dune",
            Self::Lightdash => "/lightdash",
            Self::YandexQuery => "/yandex-query",
        }
    }

    /// Returns the path of the base URL.
    pub(crate) const fn base_path(self) -> &'static str {
        match self {
            Self::Dune => "/dune/api",
            Self::Lightdash => "/lightdash",
            Self::YandexQuery => "/yandex-query/api/fq/v1",
        }
    }

    /// Returns the service with this name: `dune`, `lightdash` or `yandex-query`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        self.prefix().trim_start_matches('/')
    }

    /// Splits a path into its service and the path below the service's prefix.
    pub(crate) fn of_path(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|service| {
            let rest = path.strip_prefix(service.prefix())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((service, rest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Service;

    #[test]
    fn a_prefix_matches_a_whole_segment() {
        assert_eq!(
            Service::of_path("/dune/api/v1"),
            Some((Service::Dune, "/api/v1"))
        );
        assert_eq!(Service::of_path("/dunes/api"), None);
        assert_eq!(
            Service::of_path("/lightdash"),
            Some((Service::Lightdash, ""))
        );
    }
}
