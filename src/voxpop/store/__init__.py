"""What is kept: SQLAlchemy models, migrations, and the stages' repositories over them. Holds no identity."""
