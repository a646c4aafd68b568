package org.opensaml.saml.saml2.core;

/** Named by the signatures of SAML's actions, which are inspected and never called: OpenSAML is not on Maven Central. */
public interface StatusResponseType {}
