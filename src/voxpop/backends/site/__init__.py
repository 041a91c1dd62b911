"""Sites that run appliances: one folder a kind."""
