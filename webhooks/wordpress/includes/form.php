<?php
/**
 * The plugin's own form: a block and a shortcode, without a nonce and without JavaScript.
 *
 * The words and the boxes are those that the program keeps as proof.
 *
 * @package Nurture_Signups
 */

// Pages are cached for hours, so a nonce would turn visitors away; a signup needs no session.
// phpcs:disable WordPress.Security.NonceVerification

defined( 'ABSPATH' ) || exit;

add_action( 'init', 'nurture_add_form' );
add_action( 'init', 'nurture_take_own_form', 20 );

/** Add the block and the shortcode. */
function nurture_add_form() {
	add_shortcode( 'nurture_form', 'nurture_show_form' );
	wp_register_script(
		'nurture-signups-editor',
		plugins_url( 'block/editor.js', NURTURE_FILE ),
		array( 'wp-blocks', 'wp-element', 'wp-components', 'wp-block-editor', 'wp-i18n', 'wp-server-side-render' ),
		(string) filemtime( dirname( NURTURE_FILE ) . '/block/editor.js' ),
		true
	);
	$forms = array();
	foreach ( nurture_forms() as $key => $form ) {
		$forms[] = array(
			'value' => (string) $key,
			'label' => $form['title'],
		);
	}
	wp_add_inline_script( 'nurture-signups-editor', 'window.nurtureForms = ' . wp_json_encode( $forms ) . ';', 'before' );
	wp_set_script_translations( 'nurture-signups-editor', 'nurture-signups' );
	register_block_type( dirname( NURTURE_FILE ) . '/block', array( 'render_callback' => 'nurture_show_form' ) );
}

/**
 * Return the form as HTML; an unknown one is shown to editors only.
 *
 * @param array|string $attributes The attributes of the block or the shortcode.
 * @return string
 */
function nurture_show_form( $attributes ) {
	static $many = 0;
	$forms       = nurture_forms();
	$key         = is_array( $attributes ) && ! empty( $attributes['form'] ) ? (string) $attributes['form'] : (string) key( $forms );
	if ( ! isset( $forms[ $key ] ) ) {
		/* translators: %s: what was written as the form's name. */
		$unknown = sprintf( __( 'There is no form “%s” in Nurture Signups.', 'nurture-signups' ), $key );
		return current_user_can( 'edit_posts' ) ? '<p>' . esc_html( $unknown ) . '</p>' : '';
	}
	++$many;
	ob_start();
	nurture_print_form( $key, $forms[ $key ], "nurture-{$many}" );
	return (string) ob_get_clean();
}

/**
 * Print a form.
 *
 * @param string $key  The form's key.
 * @param array  $form Its title, wording and boxes.
 * @param string $id   The id of this place on the page.
 */
function nurture_print_form( $key, array $form, $id ) {
	$said = isset( $_GET['nurture'] ) ? sanitize_key( wp_unslash( $_GET['nurture'] ) ) : '';
	if ( 'thanks' === $said ) {
		?>
		<p class="nurture-thanks" id="nurture" role="status"><?php esc_html_e( 'Thank you. Please look in your inbox: the guide is on its way.', 'nurture-signups' ); ?></p>
		<?php
		return;
	}
	?>
	<form class="nurture-form" id="nurture" method="post" action="<?php echo esc_url( home_url( '/' ) ); ?>">
		<p class="nurture-wording"><?php echo esc_html( $form['wording'] ); ?></p>
		<?php if ( 'address' === $said ) : ?>
			<p class="nurture-error" role="alert"><?php esc_html_e( 'Please enter your email address, like anna@example.org.', 'nurture-signups' ); ?></p>
		<?php endif; ?>
		<input type="hidden" name="nurture_form" value="<?php echo esc_attr( $key ); ?>">
		<input type="hidden" name="nurture_page" value="<?php echo esc_url( (string) get_permalink() ); ?>">
		<input type="hidden" name="nurture_visit" value="">
		<p>
			<label for="<?php echo esc_attr( $id ); ?>-name"><?php esc_html_e( 'First name', 'nurture-signups' ); ?></label>
			<input id="<?php echo esc_attr( $id ); ?>-name" name="nurture_first_name" type="text" autocomplete="given-name" maxlength="100">
		</p>
		<p>
			<label for="<?php echo esc_attr( $id ); ?>-email"><?php esc_html_e( 'Email address', 'nurture-signups' ); ?></label>
			<input id="<?php echo esc_attr( $id ); ?>-email" name="nurture_email" type="email" autocomplete="email" maxlength="254" required>
		</p>
		<?php foreach ( $form['boxes'] as $purpose => $wording ) : ?>
			<p>
				<input id="<?php echo esc_attr( "{$id}-{$purpose}" ); ?>" name="nurture_consent[]" type="checkbox" value="<?php echo esc_attr( $purpose ); ?>">
				<label for="<?php echo esc_attr( "{$id}-{$purpose}" ); ?>"><?php echo esc_html( $wording ); ?></label>
			</p>
		<?php endforeach; ?>
		<p aria-hidden="true" style="position:absolute;left:-9999px;height:1px;overflow:hidden">
			<label for="<?php echo esc_attr( $id ); ?>-leave"><?php esc_html_e( 'Leave this empty', 'nurture-signups' ); ?></label>
			<input id="<?php echo esc_attr( $id ); ?>-leave" name="nurture_leave" type="text" tabindex="-1" autocomplete="off">
		</p>
		<p><button type="submit"><?php esc_html_e( 'Send me the guide', 'nurture-signups' ); ?></button></p>
	</form>
	<?php
}

/** Take the plugin's own form, and send the visitor back to the page. */
function nurture_take_own_form() {
	$form = isset( $_POST['nurture_form'] ) ? sanitize_text_field( wp_unslash( $_POST['nurture_form'] ) ) : '';
	if ( '' === $form || ! array_key_exists( $form, nurture_forms() ) ) {
		return;
	}
	$email = isset( $_POST['nurture_email'] ) ? sanitize_text_field( wp_unslash( $_POST['nurture_email'] ) ) : '';
	$said  = 'thanks';
	if ( ! is_email( $email ) ) {
		$said = 'address';
	} elseif ( '' === nurture_posted( 'nurture_leave' ) ) {
		nurture_take( $form, nurture_own_fields( $form, $email ) + nurture_visit() );
	}
	$page = nurture_page();
	nocache_headers();
	wp_safe_redirect( add_query_arg( 'nurture', $said, '' === $page ? home_url( '/' ) : $page ) . '#nurture', 303 );
	exit;
}

/**
 * Return what the plugin's own form says, under the names of the program.
 *
 * @param string $form  The form's key.
 * @param string $email The address.
 * @return array
 */
function nurture_own_fields( $form, $email ) {
	$ticked = isset( $_POST['nurture_consent'] ) ? array_map( 'sanitize_key', (array) wp_unslash( $_POST['nurture_consent'] ) ) : array();
	$boxes  = nurture_forms()[ $form ]['boxes'];
	return array(
		'email'      => $email,
		'first_name' => sanitize_text_field( nurture_posted( 'nurture_first_name' ) ),
		// A box is named by the words beside it, which is what the consent record is to prove.
		'consent'    => array_values( array_intersect_key( $boxes, array_flip( $ticked ) ) ),
	);
}
