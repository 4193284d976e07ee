//! What an option is.

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing, or a boolean.
    Flag,
    /// One value; of several the last counts.
    One(&'static str),
    /// One value, or none, which then means `default`.
    Maybe {
        /// The value's name in the help.
        value: &'static str,
        /// What the bare option means.
        default: &'static str,
    },
    /// A value each time it is given; all count, in order.
    Many(&'static str),
}

/// Where the help and the manual list an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// What to listen on.
    Sockets,
    /// What answers.
    Applications,
    /// Python applications.
    Python,
    /// Master and workers.
    Processes,
    /// The process in its system.
    System,
    /// What runs beside the workers.
    Hooks,
    /// What the server tells of itself.
    Monitoring,
    /// The request log and messages.
    Logging,
    /// Static files.
    Files,
    /// Rules before the application.
    Routing,
    /// HTTP as a server.
    Http,
    /// The built-in gateway.
    Gateway,
    /// Where options come from.
    Configuration,
    /// Options of uWSGI that something else stands in for.
    Accepted,
}

impl Topic {
    /// All topics, in the order of the help.
    pub const ALL: &[Self] = &[
        Self::Sockets,
        Self::Applications,
        Self::Python,
        Self::Files,
        Self::Routing,
        Self::Http,
        Self::Gateway,
        Self::Processes,
        Self::System,
        Self::Hooks,
        Self::Monitoring,
        Self::Logging,
        Self::Configuration,
        Self::Accepted,
    ];

    /// The heading in the help.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Sockets => "Sockets",
            Self::Applications => "Applications",
            Self::Python => "Python",
            Self::Processes => "Processes",
            Self::System => "System",
            Self::Hooks => "Hooks, daemons and cron",
            Self::Monitoring => "Monitoring",
            Self::Logging => "Logging",
            Self::Files => "Static files",
            Self::Routing => "Internal routing",
            Self::Http => "HTTP",
            Self::Gateway => "Built-in gateway",
            Self::Configuration => "Configuration",
            Self::Accepted => "Accepted from uWSGI",
        }
    }
}

/// One option.
#[derive(Debug, PartialEq, Eq)]
pub struct Opt {
    /// The long name, uWSGI's where uWSGI has the option.
    pub name: &'static str,
    /// Other long names for the same option.
    pub aliases: &'static [&'static str],
    /// The short letter.
    pub short: Option<char>,
    /// What it takes.
    pub takes: Takes,
    /// Its place in the help.
    pub topic: Topic,
    /// One or two sentences, with unit and default.
    pub help: &'static str,
}

pub(super) const fn opt(name: &'static str, takes: Takes, topic: Topic, help: &'static str) -> Opt {
    Opt {
        name,
        aliases: &[],
        short: None,
        takes,
        topic,
        help,
    }
}

impl Opt {
    pub(super) const fn short(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    pub(super) const fn aliases(mut self, names: &'static [&'static str]) -> Self {
        self.aliases = names;
        self
    }

    /// Whether `name` is one of the option's long names.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}
