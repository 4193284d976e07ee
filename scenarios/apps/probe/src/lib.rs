//! scenarios/apps/probe
