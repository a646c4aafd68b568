package org.opensaml.core.xml;

/** Named by the signatures of SAML's actions, which are inspected and never called: OpenSAML is not on Maven Central. */
public interface XMLObject {}
