"""The appliance: software and compute as one TOSCA document, deployed on a site."""
